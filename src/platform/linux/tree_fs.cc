// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/tree_fs.h"

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace limber {
namespace {

constexpr std::string_view kFirstLine = "limber-report 1";

std::string below(std::string path) {
  if (path.empty() || path.back() != '/') path += '/';
  return path;
}

// What processes run, and for whom, is nobody's business but the user's.
bool is_private(const std::string& path) {
  constexpr std::string_view kProcesses = "/proc/";
  if (path.compare(0, kProcesses.size(), kProcesses) != 0)
    return starts_with_any(path, {"/task/"}) ||
           path.find(".slice") != std::string::npos;  // groups of a user's programs
  const char next = path.size() > kProcesses.size() ? path[kProcesses.size()] : 's';
  return (next >= '0' && next <= '9') || path.compare(kProcesses.size(), 4, "self") == 0;
}

// /proc/cpuinfo of Arm boards ends with the board's serial number.
std::string without_serial(const std::string& text) {
  std::string rest;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (text.compare(at, 6, "Serial") != 0) rest.append(rest.empty() ? "" : "\n").append(text, at, end - at);
    at = end + 1;
  }
  return rest;
}

}  // namespace

TreeFs TreeFs::parse(const std::string& text, const std::string& where) {
  TreeFs tree;
  TreeFile* file = nullptr;
  size_t number = 0;
  bool first_of_file = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (++number == 1) {
      if (line != kFirstLine)
        fail(ErrorCode::kBadFile, "{}: no report: it does not begin with '{}'", where, kFirstLine);
    } else if (!line.empty() && line[0] == '/') {
      size_t name_end = line.size();
      TreeFile found;
      const size_t mark = line.find(" !");
      if (mark != std::string::npos) {
        found.error = static_cast<int>(parse_integer(line.substr(mark + 2)).value_or(EIO));
        name_end = mark;
      }
      if (name_end > 3 && line.compare(name_end - 3, 3, " ro") == 0) {
        found.writable = false;
        name_end -= 3;
      }
      const std::string path = line.substr(0, name_end);
      file = nullptr;
      if (path.back() == '/') {
        tree.put_directory(path.substr(0, path.size() - 1));
      } else {
        tree.put(path, found);
        file = &tree.files_[path];
        first_of_file = true;
      }
    } else if (!line.empty() && line[0] == '\t') {
      if (file == nullptr) fail(ErrorCode::kBadFile, "{}: line {}: content without a file above it", where, number);
      file->text.append(first_of_file ? "" : "\n").append(line, 1);
      first_of_file = false;
    } else if (!line.empty() && line[0] != '#') {
      fail(ErrorCode::kBadFile, "{}: line {}: expected a path, a tab and content, or '#', found '{}'", where, number,
           line.substr(0, 40));
    }
  }
  if (number == 0) fail(ErrorCode::kBadFile, "{}: no report: it is empty", where);
  return tree;
}

FsText TreeFs::read(const std::string& path) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return {exists(path) ? EISDIR : ENOENT, {}};
  if (found->second.error != 0) return {found->second.error, {}};
  std::string text = found->second.text;
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return {0, text};
}

int TreeFs::write(const std::string& path, std::string_view value) {
  const auto found = files_.find(path);
  if (found == files_.end()) return ENOENT;
  if (!found->second.writable) return EACCES;
  found->second.text = value;
  return 0;
}

FsNames TreeFs::list(const std::string& path) const {
  if (!exists(path)) return {ENOENT, {}};
  if (files_.count(path) != 0) return {ENOTDIR, {}};
  const std::string start = below(path);
  std::set<std::string> names;
  const auto add = [&](const std::string& other) {
    if (other.compare(0, start.size(), start) == 0)
      names.insert(other.substr(start.size(), other.find('/', start.size()) - start.size()));
  };
  for (const auto& [name, file] : files_) add(name);
  for (const std::string& name : directories_) add(name);
  FsNames result{0, {names.begin(), names.end()}};
  std::sort(result.names.begin(), result.names.end(), natural_less);
  return result;
}

bool TreeFs::exists(const std::string& path) const {
  if (files_.count(path) != 0 || directories_.count(path) != 0) return true;
  const std::string start = below(path);
  const auto file = files_.lower_bound(start);
  const auto directory = directories_.lower_bound(start);
  return (file != files_.end() && file->first.compare(0, start.size(), start) == 0) ||
         (directory != directories_.end() && directory->compare(0, start.size(), start) == 0);
}

bool TreeFs::writable(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? exists(path) : found->second.writable;
}

int TreeFs::make_directory(const std::string& path) {
  if (exists(path)) return EEXIST;
  if (!exists(path.substr(0, path.rfind('/')))) return ENOENT;
  directories_.insert(path);
  return 0;
}

int TreeFs::remove_directory(const std::string& path) {
  if (!exists(path)) return ENOENT;
  if (!list(path).names.empty()) return ENOTEMPTY;
  directories_.erase(path);
  return 0;
}

void TreeFs::erase(const std::string& path) {
  const std::string start = below(path);
  const auto gone = [&](const std::string& name) { return name == path || name.compare(0, start.size(), start) == 0; };
  for (auto it = files_.begin(); it != files_.end();) it = gone(it->first) ? files_.erase(it) : std::next(it);
  for (auto it = directories_.begin(); it != directories_.end();)
    it = gone(*it) ? directories_.erase(it) : std::next(it);
}

std::string TreeFs::print(const std::string& comment) const {
  std::string text = std::string(kFirstLine) + "\n";
  const auto lines = [&](const std::string& of, const char* before) {
    for (size_t at = 0; at <= of.size();) {
      const size_t end = std::min(of.find('\n', at), of.size());
      text.append(before).append(of, at, end - at).append(1, '\n');
      at = end + 1;
    }
  };
  if (!comment.empty()) lines(comment, "# ");
  for (const std::string& directory : directories_)
    if (files_.count(directory) == 0) text += directory + "/\n";
  for (const auto& [name, file] : files_) {
    text += fmt::format("{}{}{}\n", name, file.writable ? "" : " ro",
                        file.error == 0 ? "" : fmt::format(" !{}", file.error));
    if (file.error == 0) lines(file.text, "\t");
  }
  return text;
}

FsText RecordingFs::read(const std::string& path) const {
  FsText result = below_.read(path);
  if (result.error == ENOENT || result.error == EISDIR || is_private(path)) return result;
  const std::string text = path == "/proc/cpuinfo" ? without_serial(result.text) : result.text;
  TreeFile file{text, result.error, below_.writable(path)};
  seen_.put(path, std::move(file));
  return result;
}

FsNames RecordingFs::list(const std::string& path) const {
  FsNames result = below_.list(path);
  if (result.error == 0 && !is_private(path)) seen_.put_directory(path);
  return result;
}

bool RecordingFs::exists(const std::string& path) const {
  const bool there = below_.exists(path);
  if (there && seen_.files().count(path) == 0) read(path);
  return there;
}

bool RecordingFs::writable(const std::string& path) const {
  exists(path);
  return below_.writable(path);
}

}  // namespace limber
