// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "platform/linux/real_fs.h"

namespace limber {
namespace {

constexpr const char* kFormat = "limber-restore";

// Of this run of the system: with the next one all settings are gone.
std::string boot() {
  return RealFs().read("/proc/sys/kernel/random/boot_id").text;
}

// A process with more rights than the file's writer must not be made to write elsewhere.
bool legal(const std::string& path) {
  return starts_with_any(path, {"/sys/", "/task/"}) && path.find("..") == std::string::npos;
}

// A process is told by its number and its start: numbers are used again.
std::string start_of(int64_t pid) {
  const FsText stat = RealFs().read(fmt::format("/proc/{}/stat", pid));
  const size_t name_end = stat.text.rfind(')');
  if (!stat.ok() || name_end == std::string::npos) return "";
  const auto words = parse_words(std::string_view(stat.text).substr(name_end + 1));
  // One that has ended and was not waited for yet does nothing any more.
  return words.size() > 19 && words[0] != "Z" ? words[19] : "";
}

}  // namespace

RestoreLog::RestoreLog(Fs& fs, std::string state_file) : fs_(fs), state_file_(std::move(state_file)) {
  if (!state_file_.empty() && std::filesystem::exists(state_file_)) load();
}

RestoreLog::~RestoreLog() {
  try {
    restore();
  } catch (const std::exception&) {  // no room for the state file: values are back all the same
  }
}

RestoreLog::Entry* RestoreLog::find(Kind kind, const std::string& path, const std::string& ours) {
  for (Entry& entry : entries_)
    if (entry.kind == kind && entry.path == path && (kind != Kind::kProcess || entry.ours == ours)) return &entry;
  return nullptr;
}

Outcome RestoreLog::set(const std::string& path, const std::string& value) {
  const FsText before = fs_.read(path);
  if (!before.ok()) return {before.error, "", explain(path, before.error)};
  Entry* entry = find(Kind::kValue, path);
  const bool known = entry != nullptr;
  if (!known) {
    const auto noted = noted_.find(path);
    const std::string& original = noted == noted_.end() ? before.text : noted->second;
    if (before.text == value && original == value) return {0, value, ""};
    entries_.push_back({Kind::kValue, path, original, before.text, true});
    entry = &entries_.back();
  }
  entry->pending = true;
  save();
  const int error = fs_.write(path, value);
  const FsText after = fs_.read(path);
  if (after.ok()) entry->ours = after.text;
  entry->pending = !after.ok();
  if (error != 0 && !known && after.ok() && after.text == before.text) entries_.pop_back();
  save();
  return {error, after.text, explain(path, error, value)};
}

Outcome RestoreLog::set_passing(const std::string& path, const std::string& value) {
  const int error = fs_.write(path, value);
  return {error, fs_.read(path).text, explain(path, error, value)};
}

Outcome RestoreLog::make_directory(const std::string& path) {
  if (fs_.exists(path)) return {0, path, ""};
  entries_.push_back({Kind::kDirectory, path, "", "", false});
  save();
  const int error = fs_.make_directory(path);
  if (error == 0) return {0, path, ""};
  entries_.pop_back();
  save();
  return {error, "", explain(path, error)};
}

Outcome RestoreLog::move_process(int pid, const std::string& path, const std::string& original) {
  const std::string text = fmt::format("{}", pid);
  const bool known = find(Kind::kProcess, path, text) != nullptr;
  if (!known) {
    entries_.push_back({Kind::kProcess, path, original, text, false});
    save();
  }
  const int error = fs_.write(path, text);
  if (error == 0) return {0, text, ""};
  if (!known) {
    entries_.pop_back();
    save();
  }
  return {error, "", explain(path, error, text)};
}

std::string RestoreLog::restore_entry(const Entry& entry, bool& retry, bool& done) {
  retry = done = false;
  if (entry.kind == Kind::kDirectory) {
    const int error = fs_.remove_directory(entry.path);
    retry = error != 0 && error != ENOENT;
    done = error == 0;
    return retry ? explain(entry.path, error) : "";
  }
  if (entry.kind == Kind::kProcess) {
    const FsText members = fs_.read(entry.path);
    const auto words = parse_words(members.text);
    if (std::find(words.begin(), words.end(), entry.ours) == words.end()) return "";  // ended, or moved by others
    const int error = fs_.write(entry.original, entry.ours);
    retry = error != 0 && error != ESRCH;
    done = error == 0;
    return retry ? explain(entry.original, error, entry.ours) : "";
  }
  const FsText now = fs_.read(entry.path);
  // What went away has nothing to restore: a policy comes back with the driver's values, a thread does not.
  if (now.error == ENOENT || now.error == ENODEV || now.error == ESRCH) return "";
  if (now.ok() && now.text == entry.original) return "";
  if (now.ok() && !entry.pending && now.text != entry.ours)
    return fmt::format("{}: is '{}' now, which is not what was set here ('{}'): left to whoever set it", entry.path,
                       now.text, entry.ours);
  const int error = fs_.write(entry.path, entry.original);
  const FsText after = fs_.read(entry.path);
  done = error == 0 && (!after.ok() || after.text == entry.original);
  retry = !done;
  if (error != 0) return explain(entry.path, error, entry.original);
  return done ? "" : fmt::format("{}: '{}' was written, '{}' holds", entry.path, entry.original, after.text);
}

RestoreLog::Report RestoreLog::restore(const std::vector<std::string>& beginnings) {
  Report report;
  std::vector<Entry> kept, chosen, refused;
  for (Entry& entry : entries_) {
    const bool below = std::any_of(beginnings.begin(), beginnings.end(),
                                   [&](const std::string& beginning) { return entry.path.starts_with(beginning); });
    (below ? chosen : kept).push_back(std::move(entry));
  }
  for (int round = 0; round < 2; ++round) {
    std::vector<Entry> todo = round == 0 ? chosen : refused;
    refused.clear();
    for (auto entry = todo.rbegin(); entry != todo.rend(); ++entry) {
      bool retry = false, done = false;
      if (round == 1) entry->pending = true;  // what was partly restored is no longer what was set
      const std::string problem = restore_entry(*entry, retry, done);
      report.restored += done;
      if (retry) refused.insert(refused.begin(), *entry);
      if (!problem.empty() && (!retry || round == 1)) report.left.push_back(problem);
    }
  }
  entries_ = std::move(kept);
  entries_.insert(entries_.end(), refused.begin(), refused.end());
  save();
  return report;
}

void RestoreLog::save() {
  if (state_file_.empty()) return;
  if (entries_.empty()) {
    std::error_code ignored;
    std::filesystem::remove(state_file_, ignored);
    return;
  }
  nlohmann::ordered_json changes = nlohmann::ordered_json::array();
  for (const Entry& entry : entries_) {
    changes.push_back({{"kind", static_cast<int>(entry.kind)},
                       {"path", entry.path},
                       {"original", entry.original},
                       {"ours", entry.ours},
                       {"pending", entry.pending}});
  }
  AtomicFile file(state_file_);
  file.write(nlohmann::ordered_json({{"format", kFormat},
                                     {"version", 1},
                                     {"boot", boot()},
                                     {"pid", ::getpid()},
                                     {"start", start_of(::getpid())},
                                     {"changes", changes}})
                 .dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
             "\n");
  file.commit();
}

void RestoreLog::load() {
  struct stat owner {};
  if (::stat(state_file_.c_str(), &owner) == 0 && owner.st_uid != ::geteuid())
    fail(ErrorCode::kInvalidArgument, "{}: another user's (number {}); only what this user set can be put back from it",
         state_file_, owner.st_uid);
  std::ifstream stream(state_file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto root = nlohmann::json::parse(text, nullptr, false);
  try {
    if (root.at("format") != kFormat || root.at("version") != 1) throw std::runtime_error("another format");
    if (root.at("boot").get<std::string>() != boot()) {
      save();  // nothing: the file goes
      return;
    }
    const int64_t pid = root.at("pid");
    if (pid != ::getpid() && !start_of(pid).empty() && start_of(pid) == root.at("start"))
      fail(ErrorCode::kInvalidArgument,
           "{}: process {} still manages this machine; end it first, two would undo each other's settings", state_file_,
           pid);
    for (const auto& change : root.at("changes")) {
      const int kind = change.at("kind");
      if (kind < 0 || kind > 2) throw std::runtime_error("no such kind");
      entries_.push_back(
          {static_cast<Kind>(kind), change.at("path"), change.at("original"), change.at("ours"), change.at("pending")});
      const Entry& entry = entries_.back();
      if (!legal(entry.path) || (entry.kind == Kind::kProcess && !legal(entry.original)))
        throw std::runtime_error("a path that is no setting: " + entry.path);
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    entries_.clear();
    fail(ErrorCode::kBadFile, "{}: no state of settings to restore ({}); look at it, then remove it", state_file_,
         error.what());
  }
}

}  // namespace limber
