// SPDX-License-Identifier: Apache-2.0
#include "formats/download.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/digest.h"
#include "base/error.h"
#include "base/test_folder.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

// An HTTP server for one content on 127.0.0.1: answers ranges, can break off, can lack the file.
class Server {
 public:
  explicit Server(std::string content) : content_(std::move(content)) {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    socklen_t size = sizeof(address);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/file";
    listen(socket_, 4);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    shutdown(socket_, SHUT_RDWR);
    close(socket_);
    thread_.join();
  }

  std::string url;
  std::atomic<std::size_t> break_after{1u << 30};
  std::atomic<bool> resumes{true}, has_it{true};
  std::atomic<int> requests{0};
  std::atomic<std::size_t> sent{0};

 private:
  void serve() {
    for (int client; (client = accept(socket_, nullptr, nullptr)) >= 0; close(client)) {
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = read(client, buffer, sizeof(buffer));
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      ++requests;
      std::size_t from = 0;
      const std::size_t range = request.find("Range: bytes=");
      if (range != std::string::npos && resumes) from = std::stoul(request.substr(range + 13));
      std::string head = from > 0 ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n";
      std::string body = from < content_.size() ? content_.substr(from) : "";
      if (from >= content_.size()) head = "HTTP/1.1 416 Range Not Satisfiable\r\n";
      if (!has_it) head = "HTTP/1.1 404 Not Found\r\n", body = "no such page";
      if (from > 0 && from < content_.size()) {
        head += "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(content_.size() - 1) + "/" +
                std::to_string(content_.size()) + "\r\n";
      }
      head += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
      body.resize(std::min<std::size_t>(body.size(), break_after));
      sent += body.size();
      const std::string all = head + body;
      for (std::size_t at = 0; at < all.size();) {
        const ssize_t put = send(client, all.data() + at, all.size() - at, MSG_NOSIGNAL);
        if (put <= 0) break;
        at += static_cast<std::size_t>(put);
      }
    }
  }

  std::string content_;
  int socket_ = -1;
  std::thread thread_;
};

class Download : public FolderTest {
 protected:
  void SetUp() override {
    setenv("no_proxy", "127.0.0.1", 1);
    for (int i = 0; i < 300000; ++i) content_ += static_cast<char>(i * 31 >> 3);
    path_ = folder_ + "/set/file.bin";
  }
  ErrorCode code(const RemoteFile& file, std::string* message = nullptr) {
    try {
      download(file, path_);
    } catch (const Error& error) {
      if (message != nullptr) *message = error.what();
      return error.code();
    }
    return ErrorCode::kInternal;
  }
  std::string content_, path_;
};

TEST_F(Download, WholeThenNotAgain) {
  Server server(content_);
  const RemoteFile file{"file.bin", server.url, sha256(content_)};
  int64_t last = 0, all = 0;
  download(file, path_,
           [&](const std::string&, int64_t done, int64_t total) { return last = done, all = total, true; });
  EXPECT_EQ(slurp(path_), content_);
  EXPECT_EQ(last, 300000);
  EXPECT_EQ(all, 300000);
  EXPECT_FALSE(fs::exists(path_ + ".part"));
  download(file, path_);
  EXPECT_EQ(server.requests, 1);
}

TEST_F(Download, OneProcessAtATime) {
  Server server(content_);
  const RemoteFile file{"file.bin", server.url, sha256(content_)};
  fs::create_directories(folder_ + "/set");
  const int other = ::open((folder_ + "/set").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  std::string message;
  EXPECT_EQ(code(file, &message), ErrorCode::kIo);
  EXPECT_NE(message.find("another process downloads into it"), std::string::npos) << message;
  EXPECT_EQ(server.requests, 0);
  ::close(other);
  download(file, path_);
  EXPECT_EQ(slurp(path_), content_);
}

TEST_F(Download, ABrokenOneContinues) {
  Server server(content_);
  server.break_after = 100000;
  const RemoteFile file{"file.bin", server.url, sha256(content_)};
  EXPECT_EQ(code(file), ErrorCode::kIo);
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(fs::file_size(path_ + ".part"), 100000u);
  server.break_after = 1 << 30;
  download(file, path_);
  EXPECT_EQ(slurp(path_), content_);
  EXPECT_EQ(server.sent, content_.size());  // not a byte twice
}

TEST_F(Download, AServerThatCannotResumeStartsAgain) {
  Server server(content_);
  server.break_after = 100000;
  const RemoteFile file{"file.bin", server.url, sha256(content_)};
  EXPECT_EQ(code(file), ErrorCode::kIo);
  server.break_after = 1 << 30;
  server.resumes = false;
  download(file, path_);
  EXPECT_EQ(slurp(path_), content_);
}

TEST_F(Download, WrongChecksumLeavesNothing) {
  Server server(content_);
  std::string message;
  EXPECT_EQ(code({"file.bin", server.url, std::string(64, '0')}, &message), ErrorCode::kBadFile);
  EXPECT_NE(message.find(sha256(content_)), std::string::npos) << message;
  EXPECT_EQ(code({"file.bin", server.url, std::string(32, '0')}), ErrorCode::kBadFile);
  EXPECT_TRUE(fs::is_empty(folder_ + "/set"));
}

TEST_F(Download, MissingFileAndServer) {
  Server server(content_);
  server.has_it = false;
  EXPECT_EQ(code({"file.bin", server.url, sha256(content_)}), ErrorCode::kNotFound);
  EXPECT_TRUE(fs::is_empty(folder_ + "/set"));
  EXPECT_EQ(code({"file.bin", "http://127.0.0.1:1/file", sha256(content_)}), ErrorCode::kIo);  // nobody listens there
  EXPECT_EQ(code({"file.bin", "file:///nowhere/at/all", sha256(content_)}), ErrorCode::kNotFound);
}

TEST_F(Download, Catalogue) {
  EXPECT_EQ(remote_data_set("mnist").files.size(), 4u);
  EXPECT_THROW(remote_data_set("imagenet"), Error);
}

}  // namespace
}  // namespace limber
