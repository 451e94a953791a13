// Feeds arbitrary bytes to conversations that demand a login, in one piece and in pieces, and
// demands that nobody comes in who does not know a password: nothing is read, nothing is stored.
#include "lib/random.hpp"
#include "test/fuzz/demand.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <cstdint>
#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::protocol;
using namespace twincached::protocol::test;

namespace {

constexpr std::string_view password = "Zq9-hush";
constexpr std::string_view kept = "what-only-users-see";

PasswordTable one_user() {
    const auto line = "app:" + std::string(password) + "\n";
    auto table = PasswordTable::parse(line, PasswordFormat::whole_line);
    return std::move(*table);
}

struct Guarded {
    Guarded() {
        Client owner(service);
        owner.say("set k 0 0 " + std::to_string(kept.size()) + "\r\n" + std::string(kept) + "\r\n");
        service.shared().login_credentials.replace(one_user());
        service.shared().sasl_credentials.replace(one_user());
        service.settings_to_change().login_required = true;
        service.settings_to_change().sasl_required = true;
    }
    std::string kept_now() {
        service.settings_to_change().login_required = false;
        Client owner(service);
        return owner.say("get k\r\n");
    }
    TestService service;
};

std::string talk(std::string_view input, lib::Random* pieces) {
    Guarded server;
    Client stranger(server.service);
    std::string answers;
    while (!input.empty() && !stranger.closed) {
        const std::size_t piece = pieces == nullptr ? input.size() : pieces->below(20) + 1;
        const auto taken = std::min(piece, input.size());
        answers += stranger.say(input.substr(0, taken));
        input.remove_prefix(taken);
    }
    demand(answers.find(kept) == std::string::npos, "nothing is read");
    demand(server.service.total(Count::auth_cmds) == server.service.total(Count::auth_errors),
           "no attempt succeeds");
    demand(server.kept_now().find(kept) != std::string::npos, "nothing is changed");
    demand(server.service.total(Count::cmd_set) == 1, "nothing is stored");
    return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    lib::Random pieces(data[0]);
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (input.find(password) != std::string_view::npos) return 0;
    demand(talk(input, nullptr) == talk(input, &pieces), "answers do not depend on the split");
    return 0;
}
