// SPDX-License-Identifier: Apache-2.0
// Images of any size: what members of several resolutions in one family make of them.
#include <gtest/gtest.h>

#include <cmath>

#include "base/counted_allocations.h"
#include "base/error.h"
#include "kernels/test_images.h"
#include "network/check.h"
#include "network/image_fitter.h"
#include "network/test_sessions.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

// A convolution and a pool over images of 8, 12 or 16 pixels.
Network resolutions(double crop = 0, int64_t channels = 3) {
  toy::Builder b("resolutions");
  b.network.graph.space.dimensions = {{"resolution", {8, 12, 16}}};
  const Extent side = toy::table(0, {{8, 8}, {12, 12}, {16, 16}});
  const int input = b.input(channels, side, 1);
  b.network.graph.nodes.back().width = side;
  const int conv = b.add(b.conv("conv", {toy::Builder::from(input)}, 16, {16, channels, 3, 3}));
  const int pool = b.add(toy::Builder::plain("pool", Op::kGlobalAveragePool, {toy::Builder::from(conv)}));
  b.add(b.conv("logits", {toy::Builder::from(pool)}, 5, {5, 16}, 1, Activation::kNone));
  for (const int64_t r : {8, 12, 16}) b.member("r" + std::to_string(r), {r});
  b.network.preprocessing.mean.assign(static_cast<std::size_t>(channels), 0.4f);
  b.network.preprocessing.deviation.assign(static_cast<std::size_t>(channels), 0.25f);
  b.network.preprocessing.crop = crop;
  return b.network;
}

std::vector<float> answer_of(const std::shared_ptr<const Model>& model, int member, const Batch& batch) {
  Session session(model);
  session.select(member);
  std::vector<float> answers(static_cast<std::size_t>(batch.images * model->outputs(member)));
  session.infer(batch, answers);
  return answers;
}

// Values made by Pillow 9.4 and torchvision's rules: Resize(ceil(r / 0.875), BILINEAR), then CenterCrop(r).
TEST(ImageSize, CropIsImageNetsProtocolByteForByte) {
  const struct {
    int64_t height, width, channels, read;
    uint64_t digest;
  } cases[] = {
      {37, 53, 3, 16, 0x08b73141a686e13au}, {53, 37, 3, 17, 0xba7f9bf04dc6e584u}, {40, 40, 1, 28, 0x4be310bc6597cd66u},
      {16, 16, 3, 16, 0xad324fb77eb8495bu}, {19, 16, 3, 14, 0x786c4a66ea6014bfu}, {3, 90, 1, 8, 0xa577260945b91a83u},
  };
  for (const auto& c : cases) {
    ImageFitter fitter(0.875, c.channels, {{c.read, c.read}});
    const std::vector<uint8_t> image = test_image(c.height, c.width, c.channels);
    const uint8_t* const fitted = fitter.fit(image.data(), {c.height, c.width}, {c.read, c.read});
    EXPECT_EQ(test_digest({fitted, fitted + c.read * c.read * c.channels}), c.digest) << c.height << "x" << c.width;
  }
}

TEST(ImageSize, EveryMemberAnswersAsForTheImageResizedBefore) {
  for (const double crop : {0.0, 0.875}) {
    for (const int64_t channels : {3, 1}) {
      const auto model = toy::build(resolutions(crop, channels));
      const std::vector<uint8_t> images = test_image(2 * 23, 31, channels);
      const std::size_t size = images.size() / 2;
      for (int m = 0; m < model->members(); ++m) {
        const int64_t side = model->input_height(m);
        ImageFitter fitter(crop, channels, {{side, side}});
        std::vector<uint8_t> resized;
        for (std::size_t image = 0; image < 2; ++image) {
          const uint8_t* const fitted = fitter.fit(images.data() + image * size, {23, 31}, {side, side});
          resized.insert(resized.end(), fitted, fitted + side * side * channels);
        }
        EXPECT_EQ(answer_of(model, m, {2, images, {}, 23, 31}), answer_of(model, m, {2, resized, {}}))
            << "crop " << crop << " member " << m;
      }
    }
  }
}

TEST(ImageSize, ImagesOfTheMembersSizeAreTakenAsTheyAre) {
  const auto plain = toy::build(resolutions()), crop = toy::build(resolutions(0.875));
  const std::vector<uint8_t> image = test_image(12, 12, 3);
  const std::vector<float> ready = answer_of(plain, 1, {1, image, {}});
  EXPECT_EQ(answer_of(plain, 1, {1, image, {}, 12, 12}), ready);
  EXPECT_EQ(answer_of(crop, 1, {1, image, {}}), ready);          // without a size: it has been cropped before
  EXPECT_NE(answer_of(crop, 1, {1, image, {}, 12, 12}), ready);  // a picture of this size is cropped as any other
}

TEST(ImageSize, ExpectedImagesAllocateNothing) {
  for (const double crop : {0.0, 0.875}) {
    const auto model = toy::build(resolutions(crop));
    Session session(model);
    const std::vector<uint8_t> image = test_image(40, 30, 3);
    std::vector<float> answers(5);
    session.expect_images(40, 30);
    const int64_t before = counted_allocations();
    for (int round = 0; round < 2; ++round) {
      for (int m = 0; m < model->members(); ++m) {
        session.select(m);
        session.infer({1, image, {}, 40, 30}, answers);
        session.infer({1, std::span(image).first(21 * 30 * 3), {}, 21, 30}, answers);  // smaller: the memory is there
      }
    }
    EXPECT_EQ(counted_allocations(), before);
  }
}

TEST(ImageSize, ExitsResizeToo) {
  const auto model = toy::build(toy::groups(true));
  const std::vector<uint8_t> images = test_image(3 * 20, 15, 3);
  SessionOptions options;
  options.anytime = true;
  options.max_images = 3;
  Session session(model, options);
  std::vector<float> answers(30);
  EXPECT_EQ(session.infer_anytime({3, images, {}, 20, 15}, answers,
                                  [&](int exit) {
                                    EXPECT_EQ(answers, answer_of(model, exit, {3, images, {}, 20, 15})) << exit;
                                    return true;
                                  }),
            3);
}

TEST(ImageSize, ImpossibleSizesAreRefused) {
  const auto model = toy::build(resolutions());
  Session session(model);
  const std::vector<uint8_t> image(100 * 3);
  const std::vector<float> planes(8 * 8 * 3);
  std::vector<float> answers(5);
  EXPECT_THROW(session.infer({1, image, {}, 10, 11}, answers), Error);
  EXPECT_THROW(session.infer({1, image, {}, 10, 0}, answers), Error);
  EXPECT_THROW(session.infer({1, image, {}, -10, -10}, answers), Error);
  EXPECT_THROW(session.infer({1, {}, planes, 8, 8}, answers), Error);
  EXPECT_THROW(session.expect_images(16385, 1), Error);
  EXPECT_THROW(session.expect_images(0, 0), Error);
  session.infer({1, image, {}, 10, 10}, answers);
  Session decoder(toy::build(toy::decoder()));
  EXPECT_THROW(decoder.expect_images(8, 8), Error);
}

TEST(ImageSize, ACropIsChecked) {
  for (const double crop : {-0.5, 0.05, 1.01, std::nan("")}) {
    EXPECT_THROW(check(resolutions(crop)), Error) << crop;
  }
  Network wide = resolutions(0.875);
  wide.graph.nodes[0].width = 16;
  EXPECT_THROW(check(wide), Error);
  wide.preprocessing.crop = 0;
  check(wide);
}

}  // namespace
}  // namespace limber
