#include "test/broker/nats_server.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace twincached::broker {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    auto address = loopback(0);
    socklen_t length = sizeof address;
    REQUIRE(bind(socket, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    close(socket);
    return ntohs(address.sin_port);
}

bool answers(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto address = loopback(port);
    const bool connected =
        connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(socket);
    return connected;
}

}  // namespace

NatsServer::NatsServer(std::string more) : more_(std::move(more)), port_(free_port()) {
    std::string name = (std::filesystem::temp_directory_path() / "broker-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    folder_ = name;
    start();
}

NatsServer::~NatsServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void NatsServer::start() {
    const auto config = folder_ + "/nats.conf";
    std::ofstream(config) << "listen: \"127.0.0.1:" << port_ << "\"\n"
                          << "jetstream { store_dir: \"" << folder_ << "/store\" }\n"
                          << more_ << "\n";
    std::vector<std::string> words{"setpriv", "--pdeathsig", "KILL", "nats-server", "-c", config};
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const auto log = folder_ + "/log";
    posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int error = posix_spawnp(&pid_, "setpriv", &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    INFO("nats-server must be installed: scripts/install-dependencies.sh test");
    REQUIRE(error == 0);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!answers(port_)) {
        REQUIRE(waitpid(pid_, nullptr, WNOHANG) == 0);
        REQUIRE(std::chrono::steady_clock::now() < until);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void NatsServer::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void NatsServer::forget_everything() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_ + "/store", ignored);
}

void NatsServer::pause() const {
    ::kill(pid_, SIGSTOP);
}

void NatsServer::go_on() const {
    ::kill(pid_, SIGCONT);
}

}  // namespace twincached::broker
