// SPDX-License-Identifier: Apache-2.0
#include "design/calibrate_norms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/thread_pool.h"
#include "design/cut_points.h"
#include "design/test_images.h"
#include "network/check.h"
#include "network/plain_evaluation.h"
#include "network/random_network.h"
#include "network/session.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

using toy::PlainEvaluation;

Images noise(const Network& network, const Choice& choice, int64_t count) {
  const SubNetwork sub = resolve(network.graph, choice);
  Images images;
  images.count = count;
  images.channels = sub.nodes.front().channels;
  images.height = sub.nodes.front().height.constant;
  images.width = sub.nodes.front().width;
  images.name = "noise";
  std::mt19937 random(5);
  for (int64_t i = 0; i < count * images.height * images.width * images.channels; ++i)
    images.pixels.push_back(static_cast<uint8_t>(random()));
  images.labels.assign(static_cast<std::size_t>(count), 0);
  return images;
}

std::vector<float> planes(const Network& network, const Images& images, int64_t image) {
  std::vector<float> result;
  for (int64_t c = 0; c < images.channels; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    const bool given = !network.preprocessing.mean.empty();
    const double mean = given ? network.preprocessing.mean[channel] : 0;
    const double deviation = given ? network.preprocessing.deviation[channel] : 1;
    for (int64_t p = 0; p < images.height * images.width; ++p) {
      const uint8_t pixel =
          images.pixels[static_cast<std::size_t>((image * images.height * images.width + p) * images.channels + c)];
      result.push_back(static_cast<float>((pixel / 255.0 - mean) / deviation));
    }
  }
  return result;
}

// The same, plainly: for each norm in order, all images through everything before it, in double precision.
std::vector<NormStatistics> plainly(const Network& given, const Choice& choice, const Images& images) {
  Network network = one_member(given, choice, {});
  const SubNetwork sub = resolve(network.graph, choice);
  std::vector<NormStatistics> result;
  for (const SubNode& part : sub.nodes) {
    const std::string name = network.graph.nodes[static_cast<std::size_t>(part.node)].name;
    if (!network.graph.nodes[static_cast<std::size_t>(part.node)].norm) continue;
    Network bare = network;
    Node& node = bare.graph.nodes[static_cast<std::size_t>(part.node)];
    node.norm.reset();
    node.activation = Activation::kNone;
    node.residual = -1;
    std::erase_if(bare.family[0].norms, [&](const auto& norm) { return norm.first == name; });
    PlainEvaluation plain(bare);
    std::vector<toy::Dense> outputs;
    for (int64_t i = 0; i < images.count; ++i) {
      plain.run(bare.family[0], planes(network, images, i), part.node);
      outputs.push_back(plain.outputs.at(name));
    }
    NormStatistics found{name, {}, {}};
    for (int64_t c = 0; c < part.channels; ++c) {
      std::vector<double> values;
      for (const toy::Dense& dense : outputs) {
        const auto plane = dense.values.begin() + c * dense.height * dense.width;
        values.insert(values.end(), plane, plane + dense.height * dense.width);
      }
      double mean = 0, variance = 0;
      for (const double value : values) mean += value / static_cast<double>(values.size());
      for (const double value : values)
        variance += (value - mean) * (value - mean) / static_cast<double>(values.size());
      found.mean.push_back(static_cast<float>(mean));
      found.variance.push_back(static_cast<float>(variance));
    }
    result.push_back(found);
    network = one_member(given, choice, result);
  }
  return result;
}

void expect_near(const std::vector<NormStatistics>& found, const std::vector<NormStatistics>& wanted,
                 const std::string& what) {
  ASSERT_EQ(found.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].node, wanted[i].node) << what;
    ASSERT_EQ(found[i].mean.size(), wanted[i].mean.size()) << what;
    for (std::size_t c = 0; c < found[i].mean.size(); ++c) {
      const float spread = std::sqrt(wanted[i].variance[c]);
      EXPECT_NEAR(found[i].mean[c], wanted[i].mean[c], 1e-4f * (spread + std::abs(wanted[i].mean[c])) + 1e-6f)
          << what << ": " << found[i].node << " channel " << c;
      EXPECT_NEAR(found[i].variance[c], wanted[i].variance[c], 1e-3f * wanted[i].variance[c] + 1e-6f)
          << what << ": " << found[i].node << " channel " << c;
    }
  }
}

std::vector<Network> toys() {
  std::vector<Network> result = {toy::blocks(), toy::ofa(), toy::groups(true, 2), toy::groups(false, 2), toy::fluid()};
  for (unsigned seed = 1; seed <= 6; ++seed) result.push_back(toy::RandomNetwork(seed).build(6));
  return result;
}

TEST(CalibrateNorms, EqualsAPlainComputationInDoublePrecision) {
  for (const Network& network : toys()) {
    for (const Member& member : network.family) {
      const Images images = noise(network, member.choice, 5);
      expect_near(calibrate_norms(network, member.choice, images), plainly(network, member.choice, images),
                  network.name + " " + member.name);
    }
  }
}

TEST(CalibrateNorms, NeitherMemoryNorCoresChangeABit) {
  const std::vector<int> cores = available_cores();
  for (const Network& network : toys()) {
    const Choice& choice = network.family.back().choice;
    const Images images = noise(network, choice, 40);
    const auto found = calibrate_norms(network, choice, images);
    CalibrationOptions poor;
    poor.memory = 0;  // nothing is kept: each norm starts from the images
    EXPECT_EQ(calibrate_norms(network, choice, images, poor), found) << network.name;
    CalibrationOptions many;
    many.cores.assign(cores.begin(),
                      cores.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(cores.size(), 3)));
    EXPECT_EQ(calibrate_norms(network, choice, images, many), found) << network.name;
  }
}

TEST(CalibrateNorms, AMemberWithTheTrueStatisticsStaysAsItIs) {
  for (Network network : toys()) {
    for (std::size_t m = 0; m < network.family.size(); ++m) {
      const Choice choice = network.family[m].choice;
      const Images images = noise(network, choice, 6);
      const auto first = calibrate_norms(network, choice, images);
      store_norms(&network, m, first);
      check(network);
      EXPECT_EQ(stored_norms(network, network.family[m]), first) << network.name;
      EXPECT_EQ(calibrate_norms(network, choice, images), first) << network.name;  // whatever is stored
      const std::size_t tensors = network.tensors.size();
      store_norms(&network, m, first);
      EXPECT_EQ(network.tensors.size(), tensors) << network.name;
    }
  }
}

// The statistics that all members share may be the true ones: then calibrating changes no answer.
TEST(CalibrateNorms, TrueSharedStatisticsChangeNoAnswer) {
  for (Network network : {toy::blocks(), toy::groups(true, 2), toy::groups(false, 2)}) {
    const Choice choice = network.family.back().choice;  // all channels
    const Images images = noise(network, choice, 6);
    const auto found = calibrate_norms(network, choice, images);
    for (const NormStatistics& one : found) {
      for (Tensor& tensor : network.tensors) {
        if (tensor.name == one.node + ".norm.mean") tensor = toy::tensor(tensor.name, tensor.shape, one.mean);
        if (tensor.name == one.node + ".norm.variance") tensor = toy::tensor(tensor.name, tensor.shape, one.variance);
      }
    }
    const auto answers = [&](const Network& of) {
      Session session(Model::build(of));
      std::vector<float> result(static_cast<std::size_t>(images.count * session.model().outputs()));
      session.infer({images.count, images.pixels, {}}, result);
      return result;
    };
    EXPECT_EQ(answers(one_member(network, choice, {})),
              answers(one_member(network, choice, calibrate_norms(network, choice, images))))
        << network.name;
  }
}

// Normalised values, by the engine and with the network as it will run: mean = the norm's bias, deviation = its weight.
TEST(CalibrateNorms, NormalisedValuesHaveTheMomentsThatTheNormAsksFor) {
  Network network = toy::blocks();
  for (Node& node : network.graph.nodes) {
    if (node.norm) node.activation = Activation::kNone;
  }
  const Choice choice = network.family.back().choice;
  const Images images = noise(network, choice, 20);
  const Network calibrated = one_member(network, choice, calibrate_norms(network, choice, images));
  const auto model = Model::build(calibrated);
  std::map<std::string, std::vector<std::vector<double>>> values;  // node -> channel
  SessionOptions options;
  options.observe = [&](const std::string& name, std::span<const float> output) {
    for (const Node& node : network.graph.nodes) {
      if (node.name != name || !node.norm) continue;
      const SubNetwork sub = resolve(network.graph, choice);
      const auto channels =
          static_cast<std::size_t>(sub.of(static_cast<int>(&node - network.graph.nodes.data())).channels);
      std::vector<std::vector<double>>& all = values[name];
      all.resize(channels);
      const std::size_t pixels = output.size() / channels;
      for (std::size_t i = 0; i < output.size(); ++i) all[i / pixels].push_back(static_cast<double>(output[i]));
    }
  };
  Session session(model, options);
  std::vector<float> answers(static_cast<std::size_t>(images.count * model->outputs()));
  session.infer({images.count, images.pixels, {}}, answers);
  ASSERT_EQ(values.size(), 7u);
  const auto floats = [&](const std::string& name) {
    const Tensor& tensor = *find_tensor(network, name);
    std::vector<float> result(tensor.bytes.size() / 4);
    std::memcpy(result.data(), tensor.bytes.data(), tensor.bytes.size());
    return result;
  };
  for (const auto& [name, channels] : values) {
    const std::vector<float> weight = floats(name + ".norm.weight"), bias = floats(name + ".norm.bias");
    for (std::size_t c = 0; c < channels.size(); ++c) {
      double mean = 0, variance = 0;
      for (const double value : channels[c]) mean += value / static_cast<double>(channels[c].size());
      for (const double value : channels[c])
        variance += (value - mean) * (value - mean) / static_cast<double>(channels[c].size());
      EXPECT_NEAR(mean, static_cast<double>(bias[c]), 1e-4) << name << " " << c;
      EXPECT_NEAR(std::sqrt(variance), static_cast<double>(weight[c]), 2e-2) << name << " " << c;  // epsilon
    }
  }
}

TEST(CalibrateNorms, StoresJustTheMembersChannelsAndDropsWhatItReplaces) {
  Network network = toy::ofa();  // its small member has statistics of its own for one node
  const auto found = calibrate_norms(network, network.family[0].choice, noise(network, network.family[0].choice, 3));
  store_norms(&network, 0, found);
  ASSERT_EQ(network.family[0].norms.size(), found.size());
  EXPECT_EQ(find_tensor(network, "small/block0.expand.mean")->shape, (std::vector<int64_t>{40}));
  EXPECT_NE(find_tensor(network, "block0.expand.norm.mean"), nullptr);     // the super-network's own
  EXPECT_EQ(find_tensor(network, "small.block0.expand.mean"), nullptr);    // replaced
  EXPECT_NE(find_tensor(network, "small.block0.expand.weight"), nullptr);  // not a statistic
  EXPECT_NO_THROW(Model::build(network));
}

TEST(CalibrateNorms, SaysWhatIsWrong) {
  const auto message = [](const auto& work) -> std::string {
    try {
      work();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const Network network = toy::blocks();
  Images images = noise(network, {1, 1}, 2);
  EXPECT_NE(message([&] { calibrate_norms(network, {3, 1}, images); }).find("expand"), std::string::npos);
  EXPECT_NE(message([&] {
              calibrate_norms(network, {1, 1}, first_images(images, 0));
            }).find("no images"),
            std::string::npos);
  images.channels = 1;
  EXPECT_NE(message([&] { calibrate_norms(network, {1, 1}, images); }).find("images of 1 channels"), std::string::npos);
  const Network steps = toy::decoder();
  EXPECT_NE(message([&] { part_network(steps, resolve(steps.graph, {1}), {}, 0, 1, false); }).find("run-time symbol"),
            std::string::npos);
}

TEST(CutPoints, LieWhereOneTensorIsLeft) {
  const Network network = toy::blocks();
  const SubNetwork sub = resolve(network.graph, {2, 2});
  std::vector<std::string> names;
  for (const std::size_t cut : cut_points(sub))
    names.push_back(network.graph.nodes[static_cast<std::size_t>(sub.nodes[cut].node)].name);
  EXPECT_EQ(names, (std::vector<std::string>{"input", "stem", "block0.sum", "block1.sum", "mean", "logits"}));
}

}  // namespace
}  // namespace limber
