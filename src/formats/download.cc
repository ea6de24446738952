// SPDX-License-Identifier: Apache-2.0
#include "formats/download.h"

#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>

#include "base/digest.h"
#include "base/error.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

template <typename Hash>
std::string file_digest(const std::string& path, Hash hash) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) fail(ErrorCode::kIo, "{}: cannot be read: {}", path, std::strerror(errno));
  std::vector<std::byte> buffer(1 << 18);
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    hash.update({buffer.data(), got});
  }
  if (std::ferror(file.get()) != 0) fail(ErrorCode::kIo, "{}: cannot be read: {}", path, std::strerror(errno));
  return hash.hex();
}

bool matches(const std::string& path, const std::string& checksum, std::string* found) {
  if (checksum.size() == 32) {
    *found = file_digest(path, Md5());
  } else if (checksum.size() == 40) {
    Sha1 git;
    git.update(fmt::format("blob {}", fs::file_size(path)));
    git.update(std::string_view("\0", 1));
    *found = file_digest(path, git);
  } else {
    *found = file_digest(path, Sha256());
  }
  return found->starts_with(checksum);
}

// While it lives nobody else downloads into the folder: two writers of one .part would ruin it. Gone with the process.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : folder_(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (folder_ < 0) fail(ErrorCode::kIo, "{}: cannot be opened: {}", folder, std::strerror(errno));
    if (::flock(folder_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;  // without locks: alone, as is usual
    ::close(folder_);
    fail(ErrorCode::kIo, "{}: another process downloads into it; try again when it is done", folder);
  }
  ~FolderLock() { ::close(folder_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_;
};

struct Transfer {
  const RemoteFile* file;
  const Progress* progress;
  std::FILE* out;
  CURL* curl;
  int64_t before;  // bytes there when the transfer began
  bool stopped = false;
  int write_error = 0;
};

std::size_t on_data(char* data, std::size_t, std::size_t size, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  long status = 0;
  curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 400) return size;  // an error page is not data
  const std::size_t written = std::fwrite(data, 1, size, transfer->out);
  if (written != size) transfer->write_error = errno;
  return written;
}

int on_progress(void* user, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  auto* transfer = static_cast<Transfer*>(user);
  if (!*transfer->progress) return 0;
  const int64_t all = total > 0 ? total + transfer->before : 0;
  transfer->stopped = !(*transfer->progress)(transfer->file->name, done + transfer->before, all);
  return transfer->stopped ? 1 : 0;
}

void fetch(const RemoteFile& file, const std::string& part, const Progress& progress) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::FILE* out = std::fopen(part.c_str(), "ab");
  if (out == nullptr) fail(ErrorCode::kIo, "{}: cannot be written: {}", part, std::strerror(errno));
  Transfer transfer{&file, &progress, out, curl.get(), 0};
  transfer.before = static_cast<int64_t>(fs::file_size(part));
  std::array<char, CURL_ERROR_SIZE> reason{};
  curl_easy_setopt(curl.get(), CURLOPT_URL, file.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https,file");
  curl_easy_setopt(curl.get(), CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, 20L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 100L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, 30L);
  curl_easy_setopt(curl.get(), CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.before));
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &transfer);
  const CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (std::fclose(out) != 0 && transfer.write_error == 0) transfer.write_error = errno;

  std::error_code ignored;
  if (transfer.write_error != 0) {
    fail(ErrorCode::kIo, "{}: cannot be written: {}", part, std::strerror(transfer.write_error));
  }
  if (transfer.stopped) fail(ErrorCode::kIo, "{}: stopped; the next try continues {}", file.url, part);
  if (code == CURLE_RANGE_ERROR && transfer.before > 0) {  // the server does not resume: from the start
    fs::resize_file(part, 0, ignored);
    return fetch(file, part, progress);
  }
  if (status == 416) return;  // nothing after what is there: the checksum decides
  if (status == 404 || status == 410 || code == CURLE_FILE_COULDNT_READ_FILE) {
    if (transfer.before == 0) fs::remove(part, ignored);
    fail(ErrorCode::kNotFound, "{}: the server does not have it (status {})", file.url, status);
  }
  if (code != CURLE_OK || status >= 400) {
    if (fs::file_size(part, ignored) == 0) fs::remove(part, ignored);
    fail(ErrorCode::kIo, "{}: {}{}; the next try continues where this one ended", file.url,
         reason[0] != 0 ? reason.data() : curl_easy_strerror(code),
         status >= 400 ? fmt::format(" (status {})", status) : "");
  }
}

void check(int status, archive* from, const std::string& path) {
  if (status < ARCHIVE_WARN) fail(ErrorCode::kBadFile, "{}: cannot be unpacked: {}", path, archive_error_string(from));
}

void unpack(const std::string& path, const std::string& folder) {
  const std::unique_ptr<archive, int (*)(archive*)> in(archive_read_new(), archive_read_free);
  const std::unique_ptr<archive, int (*)(archive*)> out(archive_write_disk_new(), archive_write_free);
  archive_read_support_format_tar(in.get());
  archive_read_support_format_zip(in.get());
  archive_read_support_filter_all(in.get());
  archive_write_disk_set_options(out.get(), ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS);
  check(archive_read_open_filename(in.get(), path.c_str(), 1 << 18), in.get(), path);
  archive_entry* entry = nullptr;
  int status;
  while ((status = archive_read_next_header(in.get(), &entry)) != ARCHIVE_EOF) {
    check(status, in.get(), path);
    const auto kind = archive_entry_filetype(entry);
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr || (kind != AE_IFREG && kind != AE_IFDIR) || *name == '/') {
      fail(ErrorCode::kBadFile, "{}: has an entry '{}' that is not a plain file below the folder", path,
           name ? name : "");
    }
    archive_entry_set_perm(entry, kind == AE_IFDIR ? 0755 : 0644);
    archive_entry_set_pathname(entry, (folder + "/" + name).c_str());
    check(archive_write_header(out.get(), entry), out.get(), path);
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    while ((status = archive_read_data_block(in.get(), &block, &size, &offset)) == ARCHIVE_OK) {
      check(static_cast<int>(archive_write_data_block(out.get(), block, size, offset)), out.get(), path);
    }
    if (status != ARCHIVE_EOF) check(ARCHIVE_FATAL, in.get(), path);
    check(archive_write_finish_entry(out.get()), out.get(), path);
  }
}

}  // namespace

const std::vector<RemoteDataSet>& remote_data_sets() {
  static const std::string mnist = "https://ossci-datasets.s3.amazonaws.com/mnist/";
  static const std::string fashion = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";
  static const std::vector<RemoteDataSet> sets = {
      {"cifar10",
       {{"cifar-10-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
         "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}},
       "cifar-10-binary.tar.gz"},
      {"mnist",
       {{"train-images-idx3-ubyte.gz", mnist + "train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"},
        {"train-labels-idx1-ubyte.gz", mnist + "train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"},
        {"t10k-images-idx3-ubyte.gz", mnist + "t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"},
        {"t10k-labels-idx1-ubyte.gz", mnist + "t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"}},
       ""},
      {"fashion-mnist",
       {{"train-images-idx3-ubyte.gz", fashion + "train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"},
        {"train-labels-idx1-ubyte.gz", fashion + "train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"},
        {"t10k-images-idx3-ubyte.gz", fashion + "t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"},
        {"t10k-labels-idx1-ubyte.gz", fashion + "t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"}},
       ""}};
  return sets;
}

const RemoteDataSet& remote_data_set(const std::string& name) {
  std::vector<std::string> legal;
  for (const RemoteDataSet& set : remote_data_sets()) {
    if (set.name == name) return set;
    legal.push_back(set.name);
  }
  fail(ErrorCode::kInvalidArgument, "no data set '{}' to get; legal: {}", name, fmt::join(legal, ", "));
}

void download(const RemoteFile& file, const std::string& path, const Progress& progress) {
  std::string found;
  if (fs::exists(path) && matches(path, file.checksum, &found)) return;
  const std::string part = path + ".part";
  std::error_code error;
  if (file.checksum.empty()) fs::remove(part, error);
  if (!fs::path(path).parent_path().empty()) fs::create_directories(fs::path(path).parent_path(), error);
  if (error) fail(ErrorCode::kIo, "{}: the folder cannot be made: {}", path, error.message());
  const FolderLock lock(fs::path(path).parent_path().string());
  if (!fs::exists(part) || !matches(part, file.checksum, &found)) fetch(file, part, progress);
  if (!matches(part, file.checksum, &found)) {
    fs::remove(part, error);
    fail(ErrorCode::kBadFile, "{}: wrong checksum: found {}, expected {}; nothing was kept", file.url, found,
         file.checksum);
  }
  fs::rename(part, path, error);
  if (error) fail(ErrorCode::kIo, "{}: cannot be renamed to {}: {}", part, path, error.message());
}

std::string cache_directory(const std::string& kind) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::string(cache) + "/limber/" + kind;
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr && *home != '\0' ? home : "/tmp") + "/.cache/limber/" + kind;
}

std::string download_data_set(const RemoteDataSet& set, const std::string& folder, const Progress& progress) {
  const std::string target = folder + "/" + set.name;
  const std::string stamp = target + "/.complete";  // an unpacked archive is gone, so its checksum is not at hand
  if (!set.unpack.empty() && fs::exists(stamp)) return target;
  for (const RemoteFile& file : set.files) download(file, target + "/" + file.name, progress);
  if (set.unpack.empty()) return target;
  const FolderLock lock(target);
  const std::string archive_path = target + "/" + set.unpack;
  unpack(archive_path, target);
  std::FILE* done = std::fopen(stamp.c_str(), "wb");
  if (done == nullptr || std::fclose(done) != 0)
    fail(ErrorCode::kIo, "{}: cannot be written: {}", stamp, std::strerror(errno));
  std::error_code ignored;
  fs::remove(archive_path, ignored);
  return target;
}

}  // namespace limber
