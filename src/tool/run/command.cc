// SPDX-License-Identifier: Apache-2.0
// `limber run MODEL`: adaptive inference on a stream of frames under a deadline, policies side by side.
#include "tool/command.h"
#include "tool/run/job.h"

namespace limber::tool {

void add_run_command(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "adaptive inference on a stream of images under a deadline");
  command->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // scripts set defaults
  command->footer(
      "Examples: limber run models/fashion-incremental.safetensors --policy all --load 3 --plot run.png\n"
      "          limber run models/cifar10-incremental.safetensors --input v4l2:/dev/video0 --policy anytime");
  command->add_option("model", options->model, "a model file")->required();
  command->add_option("--data", options->data,
                      "labelled images, by a data set's name or path; default: the one stored in the model");
  command->add_option("--split", options->split, "which part of --data")
      ->check(CLI::IsMember({"train", "validation", "test"}));
  command->add_option("--input", options->input,
                      "images of a stream instead, fitted to the model: a picture, a folder, y4m:FILE, "
                      "raw:WxH:rgb|grey:FILE (FILE may be -), v4l2:DEVICE");
  CLI::Option* policy =
      command->add_option("--policy", options->policy,
                          "static:<member>, dynamic, dynamic-ofa, anytime, several with commas, or all; or managed");
  command
      ->add_flag_callback(
          "--managed", [options] { options->policy = "managed"; },
          "the same as --policy managed: cores and members within which it decides come from limberd")
      ->excludes(policy);
  command->add_option(
      "--socket", options->socket,
      "of limberd; default: $LIMBERD_SOCKET, else /run/limber/limberd.sock, a user's own in $XDG_RUNTIME_DIR");
  command->add_option("--weight", options->weight, "managed: how much it counts against other applications")
      ->check(CLI::Range(0.001, 1000.0));
  command->add_option("--confidence", options->confidence, "anytime: an image is done once its answer is this sure")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--period-ms", options->period_ms, "time between the nominal arrivals of two frames")
      ->check(CLI::Range(0.1, 60000.0));
  command->add_option("--deadline-ms", options->deadline_ms, "from a frame's nominal arrival; default: the period")
      ->check(CLI::Range(0.1, 60000.0));
  command->add_option("--burst", options->burst,
                      "images a frame; auto: one of a stream; of data a third of the deadline at the largest member");
  command
      ->add_option("--frames", options->frames,
                   "of each policy's trace in a round; default: 600 of data, a stream to its end")
      ->check(CLI::Range(3, 10'000'000));
  command->add_option("--rounds", options->rounds, "how often each policy's trace is played, in changing order")
      ->check(CLI::Range(1, 1000));
  command->add_option("--seed", options->seed, "of the order of images and policies");
  command->add_option("--load", options->load, "busy processes on the same core in the middle third of a trace")
      ->check(CLI::Range(0, 64));
  command->add_option("--load-at", options->load_at,
                      "FROM-TO, in seconds of a trace: the busy processes (1 without --load) come and go then");
  command
      ->add_option("--accuracy-floor", options->accuracy_floor,
                   "never choose a member whose stored accuracy is below this, e.g. 0.85")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--core", options->core, "the core to run on; default: the first allowed one")
      ->check(CLI::Range(0, 1 << 20));
  command->add_flag("--unpinned", options->unpinned, "run on whichever allowed core the system chooses");
  command->add_option("--profile", options->profile,
                      "take the members' times from this file of `limber profile`; default: measured at the start");
  command->add_option("--power-from", options->power_from,
                      "a meter of yours: a FILE that holds watts, or a COMMAND that prints them, line by line");
  command->add_option("--trace", options->trace, "write one JSON line a frame to this file, the summary last");
  command->add_option("--plot", options->plot, "draw the run as .png or .svg (needs gnuplot)");
  command->add_flag("--json", options->json, "print JSON: of a stream a line a frame; the summary last");
  command->add_flag("--quiet", options->quiet, "no live table");
  command->callback([options] { run_job(*options); });
}

}  // namespace limber::tool
