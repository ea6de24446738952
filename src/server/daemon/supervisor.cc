// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/supervisor.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "platform/clock.h"
#include "platform/linux/real_fs.h"
#include "server/daemon/daemon.h"
#include "server/daemon/helper_verbs.h"
#include "server/daemon/log.h"

namespace limber::server {
namespace {

constexpr int kMostHelpers = 5;  // within kCalmMs, then limberd goes on without one
constexpr int64_t kCalmMs = 60'000, kLastMs = 5000;

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
};

Identity find_user(const std::string& asked) {
  const passwd* found = nullptr;
  if (!asked.empty()) {
    found = ::getpwnam(asked.c_str());
    if (found == nullptr) fail(ErrorCode::kInvalidArgument, "--user {}: there is no such user", asked);
  }
  for (const char* usual : {"limber", "nobody"})
    if (found == nullptr) found = ::getpwnam(usual);
  if (found == nullptr) fail(ErrorCode::kNotFound, "neither user limber nor nobody is there; name one with --user");
  return {found->pw_uid, found->pw_gid};
}

int find_group(const std::string& asked) {
  if (asked.empty()) return -1;
  const group* found = ::getgrnam(asked.c_str());
  if (found == nullptr)
    fail(ErrorCode::kInvalidArgument, "--group {}: there is no such group; groupadd --system {}", asked, asked);
  return static_cast<int>(found->gr_gid);
}

void make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && std::filesystem::create_directories(folder, error)) log("made the folder {}", folder.string());
  if (error) fail(ErrorCode::kIo, "{}: cannot be made: {}", folder.string(), error.message());
}

void check_state(const std::string& path) {
  std::error_code error;
  const auto there = std::filesystem::status(path, error);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    fail(ErrorCode::kInvalidArgument, "--state {}: is there and is no file; name a file, new or of an earlier limberd",
         path);
}

[[noreturn]] void die(const char* step) {
  log("{}: {}", step, std::strerror(errno));
  ::_exit(1);
}

void give_up_rights(const Identity& identity) {
  const gid_t group = identity.group;
  if (::setgroups(1, &group) != 0 || ::setgid(identity.group) != 0 || ::setuid(identity.user) != 0)
    die("rights cannot be given up");
  if (identity.user != 0 && ::setuid(0) == 0) die("rights were not given up");
}

// A group at the top of a hierarchy competes with everybody's.
bool groups_at_top(const std::string& root) {
  RealFs fs(root);
  const Cgroups groups(fs);
  if (!groups.knob(Cgroups::Controller::kWeight).writable) return false;
  const std::string parent =
      std::filesystem::path(groups.folder(Cgroups::Controller::kWeight, "any")).parent_path().string();
  return groups.version(Cgroups::Controller::kWeight) == 1 ? std::count(parent.begin(), parent.end(), '/') == 4
                                                           : parent == "/sys/fs/cgroup";
}

class Supervisor {
 public:
  explicit Supervisor(const DaemonSettings& settings) : settings_(settings) {}

  int run() {
    const bool root = ::geteuid() == 0;
    const Identity identity = root ? find_user(settings_.user) : Identity{};
    const int group = find_group(settings_.group);
    if (settings_.boost.kind == Boost::Kind::kAuto)
      settings_.boost = usual_boost(root, root && groups_at_top(settings_.sysfs_root));
    check_state(settings_.state);
    make_folder_of(settings_.socket);
    make_folder_of(settings_.state);
    sigset_t watched;
    sigemptyset(&watched);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&watched, signal);
    ::sigprocmask(SIG_BLOCK, &watched, nullptr);
    listener_ = listen_at(settings_.socket, 0660, group);
    auto [ours, theirs] = socket_pair();
    control_ = std::move(ours);
    start_daemon(theirs.get(), root ? &identity : nullptr);
    theirs.reset();
    start_helper();
    log("listening at {}; boost {}{}", settings_.socket, print_boost(settings_.boost),
        root ? "" : "; not started as root: only what this user may do can be set");
    const int code = look_after(watched);
    ::unlink(settings_.socket.c_str());
    return code;
  }

 private:
  void start_daemon(int control, const Identity* identity) {
    const pid_t parent = ::getpid();
    daemon_ = ::fork();
    if (daemon_ < 0) fail(ErrorCode::kIo, "cannot start the daemon: {}", std::strerror(errno));
    if (daemon_ > 0) return;
    control_.reset();
    if (identity != nullptr) give_up_rights(*identity);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    try {
      Daemon(settings_, listener_.get(), control).run();
    } catch (const std::exception& error) {
      log("{}", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }

  void start_helper() {
    auto [ours, theirs] = socket_pair();
    helper_ = ::fork();
    if (helper_ == 0) {
      ours.reset();
      be_helper(theirs.get());
    }
    if (helper_ < 0 || !send_descriptor(control_.get(), ours.get()))
      log("no helper could be started: {}", std::strerror(errno));
  }

  [[noreturn]] void be_helper(int socket) {
    listener_.reset();
    control_.reset();
    ::prctl(PR_SET_NAME, "limberd-helper");
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // It ends when the daemon has, not before: somebody must put everything back.
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    int code = 1;
    try {
      HelperLimits limits;
      limits.lowest_nice = settings_.boost.kind == Boost::Kind::kNice ? settings_.boost.value : 0;
      limits.highest_weight = settings_.boost.kind == Boost::Kind::kWeight ? settings_.boost.value : 0;
      RealFs fs(settings_.sysfs_root);
      LinuxPlatform platform(fs, {settings_.state, "", settings_.despite_managers});
      if (const auto& before = platform.taken_over(); before.restored > 0 || !before.left.empty()) {
        log("a predecessor had left {} settings changed; they are back", before.restored);
        for (const std::string& left : before.left) log("left as it is: {}", left);
      }
      code = serve_helper(socket, platform, limits);
    } catch (const std::exception& error) {
      log("helper: {}", error.what());
    }
    ::_exit(code);
  }

  // Until the daemon has ended, and then the helper.
  int look_after(const sigset_t& watched) {
    int code = 0;
    int64_t until = 0;  // once the daemon has ended
    while (true) {
      const timespec patience{0, helper_due_ ? 20'000'000 : 200'000'000};
      const int signal = ::sigtimedwait(&watched, nullptr, &patience);
      // A helper ends by itself when the daemon has, of which the kernel tells a moment later.
      const bool due = helper_due_ && signal < 0;
      if ((signal == SIGTERM || signal == SIGINT) && daemon_ > 0) ::kill(daemon_, SIGTERM);
      int status = 0;
      for (pid_t ended = ::waitpid(-1, &status, WNOHANG); ended > 0; ended = ::waitpid(-1, &status, WNOHANG)) {
        if (ended == daemon_) {
          daemon_ = -1;
          code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
          if (WIFSIGNALED(status)) log("the daemon was ended by signal {}", WTERMSIG(status));
          control_.reset();
          until = now_ns() + kLastMs * 1'000'000;
        }
        if (ended == helper_) {
          helper_ = -1;
          helper_due_ = daemon_ > 0;
          if (helper_due_ && WIFSIGNALED(status)) log("the helper was ended by signal {}", WTERMSIG(status));
        }
      }
      if (due && daemon_ > 0) replace_helper();
      if (daemon_ < 0 && helper_ < 0) return code;
      if (daemon_ < 0 && now_ns() > until) {
        log("the helper has not put everything back within {} s", kLastMs / 1000);
        return 1;
      }
    }
  }

  void replace_helper() {
    helper_due_ = false;
    const int64_t now = now_ns();
    if (now - first_helper_ns_ > kCalmMs * 1'000'000) {
      first_helper_ns_ = now;
      helpers_ = 0;
    }
    if (++helpers_ <= kMostHelpers) return start_helper();
    log("the helper has ended {} times within a minute: going on without clocks, priorities and groups", helpers_);
  }

  DaemonSettings settings_;
  Descriptor listener_, control_;
  pid_t daemon_ = -1, helper_ = -1;
  int helpers_ = 0;  // that were replaced lately
  bool helper_due_ = false;
  int64_t first_helper_ns_ = 0;
};

}  // namespace

int supervise(const DaemonSettings& settings) {
  return Supervisor(settings).run();
}

}  // namespace limber::server
