// SPDX-License-Identifier: Apache-2.0
#include "server/packet_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace limber::server {
namespace {

// A byte, and room for a descriptor beside it.
struct DescriptorMessage {
  char byte = 'h';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};

  DescriptorMessage() {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  DescriptorMessage(const DescriptorMessage&) = delete;  // it points into itself
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    fail(ErrorCode::kInvalidArgument, "socket '{}': a path of 1 to {} bytes is legal", path,
         sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor make_socket(int flags) {
  return Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
}

int connect(int fd, const sockaddr_un& address) {
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

}  // namespace

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Packet receive_packet(int fd) {
  thread_local std::vector<char> buffer(kMostBytes);
  ssize_t got = 0;
  do {
    got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return {errno == EAGAIN ? Packet::Kind::kNothing : Packet::Kind::kClosed, ""};
  if (got == 0) return {Packet::Kind::kClosed, ""};
  const auto size = static_cast<std::size_t>(got);
  if (size > buffer.size()) return {Packet::Kind::kTooLong, ""};
  return {Packet::Kind::kText, std::string(buffer.data(), size)};
}

Sent send_packet(int fd, std::string_view text) {
  ssize_t put = 0;
  do {
    put = ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
  if (put >= 0) return Sent::kDone;
  return errno == EAGAIN || errno == ENOBUFS ? Sent::kFull : Sent::kClosed;
}

std::string default_socket() {
  const char* named = std::getenv("LIMBERD_SOCKET");
  if (named != nullptr && *named != 0) return named;
  const std::string system = "/run/limber/limberd.sock";
  const char* own = std::getenv("XDG_RUNTIME_DIR");
  const bool as_user = ::geteuid() != 0 && own != nullptr && *own != 0 && ::access(system.c_str(), F_OK) != 0;
  return as_user ? std::string(own) + "/limber/limberd.sock" : system;
}

Descriptor connect_to(const std::string& path, std::string& reason) {
  const sockaddr_un address = address_of(path);
  Descriptor socket = make_socket(SOCK_NONBLOCK);
  const int error = socket ? connect(socket.get(), address) : errno;
  if (error == 0) return socket;
  reason = error == EACCES ? fmt::format("{}: permission denied; limberd's --group may use it", path)
           : error == ENOENT || error == ECONNREFUSED ? fmt::format("no limberd at {}", path)
                                                      : fmt::format("{}: {}", path, std::strerror(error));
  return Descriptor();
}

Descriptor listen_at(const std::string& path, unsigned mode, int group) {
  const sockaddr_un address = address_of(path);
  std::string reason;
  if (connect_to(path, reason))
    fail(ErrorCode::kInvalidArgument, "{}: another limberd listens there; end it first, or give another --socket",
         path);
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      fail(ErrorCode::kInvalidArgument, "{}: is there and is no socket; remove it, or give another --socket", path);
    ::unlink(path.c_str());
  }
  Descriptor socket = make_socket(SOCK_NONBLOCK);
  const mode_t before = ::umask(0177);  // nobody else may connect before the rights are set
  const bool bound = socket && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  ::umask(before);
  if (!bound) fail(ErrorCode::kIo, "{}: cannot be made: {}", path, std::strerror(error));
  if (group >= 0 && ::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(group)) != 0)
    fail(ErrorCode::kIo, "{}: cannot be given to group {}: {}", path, group, std::strerror(errno));
  if (::chmod(path.c_str(), mode) != 0 || ::listen(socket.get(), 32) != 0)
    fail(ErrorCode::kIo, "{}: {}", path, std::strerror(errno));
  return socket;
}

std::pair<Descriptor, Descriptor> socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    fail(ErrorCode::kIo, "cannot make a pair of sockets: {}", std::strerror(errno));
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

bool send_descriptor(int socket, int fd) {
  DescriptorMessage carried;
  msghdr& message = carried.message;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

Descriptor receive_descriptor(int socket, bool& closed) {
  DescriptorMessage carried;
  msghdr& message = carried.message;
  const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  closed = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
  const cmsghdr* header = got == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
    return Descriptor();
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Descriptor(fd);
}

}  // namespace limber::server
