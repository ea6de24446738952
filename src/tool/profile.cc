// SPDX-License-Identifier: Apache-2.0
// `limber profile MODEL`: measures the operating points of a model on this machine.
#include "manager/profile.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/cpu_list.h"
#include "base/error.h"
#include "base/statistics.h"
#include "formats/model_file.h"
#include "network/session.h"
#include "platform/clock.h"
#include "platform/energy.h"
#include "platform/samples.h"
#include "tool/command.h"
#include "tool/measuring.h"
#include "tool/profile_blocks.h"

namespace limber::tool {
namespace {

constexpr std::size_t kLeastRounds = 20;  // of every point, however little time there is
constexpr int kTimed = 3;                 // batches in a row, after one that is not timed
constexpr double kEnergySeconds = 0.5;    // of every point; counters move about once a millisecond
constexpr double kEnergyPeriods = 4;      // of the sensor, at least

struct Options {
  std::string model, data, members, batches = "1", output, check, power_from;
  std::vector<std::string> cores;
  double seconds = 3;
  std::string architecture;
  int64_t checks = 20;
  bool blocks = false, json = false;
};

struct Series {
  int member = 0;
  int exit = -1;
  int64_t batch = 1;
  bool asked = true;  // exits are timed together, also those of members that nobody asked for
  Samples ms;         // an image
};

// One core set: its series are measured in turns, so that a machine that changes its pace changes it for all.
class Measurement {
 public:
  Measurement(std::shared_ptr<const Model> model, const std::vector<int>& cores, const std::vector<int>& members,
              const std::vector<int64_t>& batches, const Images* images)
      : model_(std::move(model)), cores_(cores) {
    bool marked = false;  // exits of marked nodes are answers of the largest member, not of the n-th
    for (const Node& node : model_->network().graph.nodes) marked = marked || node.exit > 0;
    SessionOptions options;
    options.cores = cores;
    options.anytime = model_->exit_plan() != nullptr;
    for (const int64_t batch : batches) {
      options.max_images = std::max(options.max_images, batch);
      for (const int member : members) series_.push_back({member, -1, batch, true, {}});
      for (int exit = 0; exit < model_->exits(); ++exit) {
        const int member = marked ? model_->largest_member() : exit;
        const bool asked = std::find(members.begin(), members.end(), member) != members.end();
        series_.push_back({member, exit, batch, asked, {}});
      }
    }
    for (int member = 0; member < model_->members(); ++member)
      pixels_.push_back(measuring_pixels(*model_, member, options.max_images, images));
    session_ = std::make_unique<Session>(model_, options);
  }

  void run(double seconds) {
    const int64_t begin = now_ns();
    while (series_.front().ms.size() < kLeastRounds * kTimed || static_cast<double>(now_ns() - begin) < seconds * 1e9) {
      for (std::size_t i = 0; i < series_.size(); ++i) {
        Series& one = series_[i];
        if (one.exit > 0) continue;  // timed together with exit 0
        for (int timed = -1; timed < kTimed; ++timed) {
          if (one.exit < 0) {
            const Stopwatch watch;
            infer(one);
            const Timed time = watch.stop();
            if (timed >= 0) one.ms.add({time.ms / static_cast<double>(one.batch), time.calm});
          } else {
            infer_exits(i, timed >= 0);
          }
        }
      }
    }
  }

  void measure_energy(EnergySensor& sensor) {
    energy_.resize(series_.size());
    for (std::size_t i = 0; i < series_.size(); ++i) {
      const Series& one = series_[i];
      if (!one.asked) continue;
      int64_t images = 0;
      const double before = sensor.millijoules();
      const int64_t begin = now_ns();
      const double enough_ns = std::max(kEnergySeconds * 1e9, kEnergyPeriods * sensor.period_ms() * 1e6);
      while (static_cast<double>(now_ns() - begin) < enough_ns) {
        sensor.millijoules();
        if (one.exit < 0) {
          infer(one);
        } else {
          const auto last = [&](int exit) { return exit < one.exit; };
          session_->infer_anytime(batch(model_->largest_member(), one.batch), answers(one), last);
        }
        images += one.batch;
      }
      energy_[i] = (sensor.millijoules() - before) / static_cast<double>(images);
    }
  }

  std::vector<std::string> unreliable() const {
    std::vector<std::string> names;
    for (const Series& one : series_) {
      if (one.asked && one.ms.unreliable())
        names.push_back(fmt::format("{}{} at batch {} on {}", one.exit < 0 ? "" : "the exit of ",
                                    model_->member(one.member).name, one.batch, print_cpu_list(cores_)));
    }
    return names;
  }

  void append(std::vector<OperatingPoint>& points, const std::string& data_hash) const {
    const Machine machine = read_machine(cores_.front());
    for (std::size_t i = 0; i < series_.size(); ++i) {
      const Series& one = series_[i];
      if (!one.asked) continue;
      OperatingPoint point;
      point.member = model_->member(one.member).name;
      point.exit = one.exit;
      point.macs = model_->macs(one.member);
      point.batch = one.batch;
      point.cores = cores_;
      point.governor = machine.governor;
      point.frequency_khz = machine.frequency_khz;
      const std::vector<double> ms = one.ms.values();
      point.samples = static_cast<int64_t>(ms.size());
      point.left_out = static_cast<int64_t>(one.ms.left_out());
      point.median_ms = median(ms);
      point.p95_ms = quantile(ms, 0.95);
      point.min_ms = quantile(ms, 0);
      point.deviation_ms = median_deviation(ms);
      if (!energy_.empty()) point.energy_mj = energy_[i];
      const bool member_answers = one.exit < 0 || model_->exits() == model_->members();
      if (member_answers) point.accuracy = stored_accuracy(*model_, one.member, data_hash);
      points.push_back(std::move(point));
    }
  }

 private:
  Batch batch(int member, int64_t images) const {
    const std::vector<uint8_t>& pixels = pixels_[static_cast<std::size_t>(member)];
    const auto image = model_->input_height(member) * model_->input_width(member) * model_->input_channels(member);
    return {images, std::span(pixels).first(static_cast<std::size_t>(images * image)), {}};
  }
  std::span<float> answers(const Series& one) {
    answers_.resize(static_cast<std::size_t>(one.batch * model_->outputs(one.exit < 0 ? one.member : -1)));
    return answers_;
  }
  void infer(const Series& one) {
    session_->select(one.member);
    session_->infer(batch(one.member, one.batch), answers(one));
  }
  void infer_exits(std::size_t first, bool timed) {
    const Series& one = series_[first];
    const Stopwatch watch;
    session_->infer_anytime(batch(model_->largest_member(), one.batch), answers(one), [&](int exit) {
      const Timed time = watch.stop();  // asks the system: well below a microsecond, part of the next exit's time
      if (timed)
        series_[first + static_cast<std::size_t>(exit)].ms.add({time.ms / static_cast<double>(one.batch), time.calm});
      return true;
    });
  }

  std::shared_ptr<const Model> model_;
  std::vector<int> cores_;
  std::vector<Series> series_;
  std::vector<std::vector<uint8_t>> pixels_;  // of each member
  std::vector<float> answers_;
  std::vector<double> energy_;  // of each series; empty without a sensor
  std::unique_ptr<Session> session_;
};

void print_table(const Profile& profile, const std::string& energy) {
  const ProfileKey& key = profile.key;
  fmt::print("{}, weights {:.16}, on {} ({} CPUs), kernels {}, {}; measured {}\nenergy: {}\n\n", key.model,
             key.weight_hash, key.cpu_model.empty() ? "an unknown CPU" : key.cpu_model, key.logical_cpus, key.isa,
             key.precision, key.date, energy);
  fmt::print("{:<16} {:>7} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>10}  {}\n", "milliseconds of", "cores",
             "batch", "median", "+-", "p95", "min", "samples", "left out", "energy mJ", "stored top-1");
  for (const OperatingPoint& point : profile.points) {
    fmt::print("{:<16} {:>7} {:>5} {:>10.4f} {:>10.4f} {:>10.4f} {:>10.4f} {:>8} {:>8} {:>10}  {}\n",
               point.exit < 0 ? point.member : fmt::format("exit {} ({})", point.exit + 1, point.member),
               print_cpu_list(point.cores), point.batch, point.median_ms, point.deviation_ms, point.p95_ms,
               point.min_ms, point.samples, point.left_out,
               point.energy_mj ? fmt::format("{:.3f}", *point.energy_mj) : "no sensor",
               point.accuracy ? fmt::format("{:.2f} % ({} of {})", 100 * point.accuracy->top1, point.accuracy->split,
                                            point.accuracy->data)
                              : "-");
  }
}

void check(const Options& options, const Model& model) {
  if (!options.output.empty())
    fail(ErrorCode::kInvalidArgument, "--check measures nothing that --output {} could hold: give one of them",
         options.output);
  const Profile profile = read_profile(options.check);
  const std::vector<std::string> warnings = check_profile(profile, model, options.check);
  if (options.json) {
    fmt::print("{}", print_profile(profile));
  } else {
    const bool sensor = profile.points.front().energy_mj.has_value();
    print_table(profile, sensor ? "measured" : "not measured: there was no sensor");
    fmt::print("\n{} belongs to this model and machine\n", options.check);
  }
  for (const std::string& warning : warnings) fmt::print(stderr, "limber: warning: {}\n", warning);
}

std::vector<int64_t> parse_batches(const std::string& text) {
  std::vector<int64_t> batches;
  for (const std::string& part : split_list(text)) {
    char* end = nullptr;
    const int64_t batch = std::strtoll(part.c_str(), &end, 10);
    if (*end != '\0' || batch < 1 || batch > 4096 || (!batches.empty() && batch <= batches.back()))
      fail(ErrorCode::kInvalidArgument, "--batch {}: legal are ascending numbers from 1 to 4096, e.g. 1,8,32", text);
    batches.push_back(batch);
  }
  if (batches.empty()) fail(ErrorCode::kInvalidArgument, "--batch: legal are ascending numbers, e.g. 1,8,32");
  return batches;
}

void measure(const Options& options) {
  const auto model = Model::build(read_model(options.model));
  if (!options.check.empty()) return check(options, *model);
  const std::vector<int> members = chosen_members(*model, options.members);
  std::vector<std::vector<int>> sets;
  for (const std::string& cores : options.cores) sets.push_back(core_set(cores));
  if (sets.empty()) sets.push_back(core_set(""));
  const std::vector<int64_t> batches = parse_batches(options.batches);
  std::optional<Images> images;
  if (!options.data.empty()) images = read_data_set(options.data, "test");
  if (!options.output.empty()) AtomicFile(options.output);  // an unwritable one is refused before anything is measured
  std::string reason;
  auto sensor = EnergySensor::find(reason, options.power_from);

  Profile profile;
  profile.key = profile_key(*model, read_machine(sets.front().front()), utc_now());
  for (const std::vector<int>& cores : sets) {
    Measurement measurement(model, cores, members, batches, images ? &*images : nullptr);
    measurement.run(options.seconds);
    if (sensor) measurement.measure_energy(*sensor);
    warn_of_disturbance(measurement.unreliable());
    measurement.append(profile.points, images ? images->hash : "");
  }
  if (!options.output.empty()) write_profile(profile, options.output);
  if (options.json) {
    fmt::print("{}", print_profile(profile));
    return;
  }
  print_table(profile, sensor ? sensor->name() + ", idle power included" : reason);
  if (!options.output.empty()) fmt::print("\n{}: written, {} points\n", options.output, profile.points.size());
}

}  // namespace

void add_profile_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("profile", "measure a model's operating points on this machine");
  command->footer(
      "Every member and every exit is timed in turns, at each batch size, on each core set. Times are of one image.\n"
      "Example: limber profile models/fashion-incremental.safetensors --cores 0 --batch 1,8 --output here.json\n"
      "         limber profile models/fashion-incremental.safetensors --check here.json\n"
      "         limber profile --blocks --architecture shapes-ofa --output blocks.json");
  CLI::Option* model = command->add_option("model", options->model, "a model file");
  CLI::Option* blocks = command->add_flag("--blocks", options->blocks,
                                          "time the blocks of the whole design space on one core, for limber search");
  CLI::Option* architecture =
      command->add_option("--architecture", options->architecture,
                          "with --blocks, instead of a model: a graph of networks/, random weights");
  architecture->needs(blocks)->excludes(model);
  command->add_option("--checks", options->checks, "with --blocks: sub-networks to compare with their predictions")
      ->needs(blocks)
      ->check(CLI::Range(0, 500));
  command
      ->add_option("--data", options->data,
                   "time on the test images of this data set and show the accuracy stored for it; default: noise")
      ->excludes(blocks);
  command
      ->add_option("--core,--cores", options->cores,
                   "logical CPUs of a core set, e.g. 0 or 0,1; may be given several times; default: the first one")
      ->allow_extra_args(false);
  command->add_option("--member,--members", options->members, "only these members, e.g. 25%,100%")->excludes(blocks);
  command->add_option("--power-from", options->power_from,
                      "a meter of yours: a FILE that holds watts, or a COMMAND that prints them, line by line");
  command->add_option("--batch", options->batches, "batch sizes, e.g. 1,8,32")->excludes(blocks);
  command
      ->add_option("--seconds", options->seconds,
                   "time for each core set, at least 20 rounds (default 3); with --blocks: in all (default 20)")
      ->check(CLI::Range(0.0, 3600.0));
  command->add_option("--output,-o", options->output, "write the profile to this file");
  command->add_option("--check", options->check,
                      "measure nothing: read this profile and say whether it belongs to this model and machine");
  command->add_flag("--json", options->json, "print the profile as one JSON object");
  CLI::Option* seconds = command->get_option("--seconds");
  command->callback([=] {
    if (!options->blocks && options->model.empty()) throw CLI::RequiredError("model");
    if (seconds->empty()) options->seconds = options->blocks ? 20 : 3;
    if (!options->blocks) return measure(*options);
    const std::string core = options->cores.empty() ? "" : options->cores.front();
    profile_blocks({options->model, options->architecture, options->output, options->check, core, options->seconds,
                    options->checks, options->json});
  });
}

}  // namespace limber::tool
