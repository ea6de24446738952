// SPDX-License-Identifier: Apache-2.0
// For tests: limberd as real processes, on a machine whose files lie in a folder. Layer: server.
#pragma once
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "server/managed_session.h"

namespace limber::server {

using nlohmann::json;

// Whether it came true within so long.
inline bool soon(const std::function<bool()>& is, int milliseconds = 1000) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (!is()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class TestLimberd {
 public:
  TestLimberd() {
    std::string name = testing::TempDir() + "limberdXXXXXX";
    folder_ = ::mkdtemp(name.data());
    ::chmod(folder_.c_str(), 0755);  // the daemon may be another user
  }
  ~TestLimberd() {
    if (supervisor > 0) ::kill(supervisor, SIGTERM);
    if (supervisor > 0) wait();
    std::filesystem::remove_all(folder_);
  }

  std::string socket() const { return folder_ + "/limberd.sock"; }
  std::string state() const { return folder_ + "/limberd.sock.state"; }
  std::string log() const { return text(folder_ + "/log"); }

  // A machine with two cores of one clock, 0.5 to 2 GHz, in files that anybody may write.
  std::string make_machine() const {
    const std::string root = folder_ + "/machine";
    const std::string cpu = root + "/sys/devices/system/cpu/";
    for (const char* file : {"online", "present", "possible"}) put(cpu + file, "0-1");
    for (const auto& [file, value] : std::initializer_list<std::pair<const char*, const char*>>{
             {"related_cpus", "0 1"},
             {"affected_cpus", "0 1"},
             {"scaling_available_frequencies", "500000 1000000 2000000"},
             {"scaling_available_governors", "schedutil performance"},
             {"scaling_governor", "schedutil"},
             {"scaling_min_freq", "500000"},
             {"scaling_max_freq", "2000000"},
             {"cpuinfo_min_freq", "500000"},
             {"cpuinfo_max_freq", "2000000"},
             {"scaling_cur_freq", "1000000"}})
      put(cpu + "cpufreq/policy0/" + file, value);
    return root;
  }
  std::string clock(const std::string& file) const {
    return text(folder_ + "/machine/sys/devices/system/cpu/cpufreq/policy0/" + file);
  }

  void start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {LIMBERD, "--socket", socket()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    supervisor = ::fork();
    if (supervisor == 0) {
      const std::string log = folder_ + "/log";
      if (std::freopen(log.c_str(), "a", stderr) == nullptr) ::_exit(126);
      std::vector<char*> raw;
      for (std::string& argument : arguments) raw.push_back(argument.data());
      raw.push_back(nullptr);
      ::execv(raw[0], raw.data());
      ::_exit(127);
    }
    ASSERT_TRUE(soon([&] { return there(); }, 5000)) << log();
    ASSERT_TRUE(soon([&] { return status()["helper"] == true; }, 5000)) << log();
  }

  bool there() const {
    std::string reason;
    return static_cast<bool>(connect_to(socket(), reason));
  }
  json status() const {
    try {
      return json::parse(ask_status(socket()));
    } catch (const std::exception& error) {
      return {{"error", error.what()}, {"clients", json::array()}, {"pid", 0}};
    }
  }
  std::size_t clients() const { return status()["clients"].size(); }
  int daemon() const { return status()["pid"].get<int>(); }

  int helper() const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      if (std::atoi(entry.path().filename().c_str()) == 0) continue;
      const std::string stat = text(entry.path().string() + "/stat");
      if (stat.find("(limberd-helper)") == std::string::npos) continue;
      int parent = 0;
      std::sscanf(stat.c_str() + stat.rfind(')') + 1, " %*c %d", &parent);
      const bool zombie = stat.find(") Z") != std::string::npos;
      if (parent == supervisor && !zombie) return std::atoi(stat.c_str());
    }
    return 0;
  }

  // Signal 0 or 1 as a number of a process would reach everybody.
  static void kill_hard(int pid) {
    ASSERT_GT(pid, 1);
    ::kill(pid, SIGKILL);
  }

  // The exit code of the supervisor; 128 + the signal.
  int wait() {
    int status = 0;
    ::waitpid(supervisor, &status, 0);
    supervisor = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  pid_t supervisor = -1;

  static std::string text(const std::string& path) {
    std::ifstream file(path);
    std::string all{std::istreambuf_iterator<char>(file), {}};
    while (!all.empty() && all.back() == '\n') all.pop_back();
    return all;
  }

 private:
  static void put(const std::string& path, const std::string& value) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << value << "\n";
  }
  std::string folder_;
};

// Of two members, the smaller one 4 ms; prefers efficiency, so that a low clock is enough.
inline ManagedSettings test_session(const TestLimberd& limberd, const std::string& name = "test") {
  ManagedSettings settings;
  settings.socket = limberd.socket();
  settings.session.name = name;
  settings.session.members = {{"small", 0.8}, {"large", 0.9}};
  settings.session.options = {{0, "", 1, {4}}, {1, "", 1, {11}}};
  settings.session.target.deadline_ms = 33;
  settings.session.target.rate_hz = 30;
  return settings;
}

}  // namespace limber::server
