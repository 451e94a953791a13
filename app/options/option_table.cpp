#include "app/options/option_table.hpp"

#include "app/options/access_options.hpp"
#include "app/options/command_line_options.hpp"
#include "app/options/effective_options.hpp"
#include "app/options/reported_options.hpp"
#include "app/options/tls_options.hpp"

#include <algorithm>
#include <vector>

namespace twincached::app {
namespace {

template <class Predicate>
const Option* find_option(Predicate matches) noexcept {
    const auto table = option_table();
    const auto found = std::find_if(table.begin(), table.end(), matches);
    return found == table.end() ? nullptr : &*found;
}

// Keys may be written with '_' as well as with '-'.
bool same_key(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return (a == '_' ? '-' : a) == (b == '_' ? '-' : b); });
}

}  // namespace

std::span<const Option> option_table() noexcept {
    static const auto table = [] {
        std::vector<Option> all;
        for (const auto part : {action_options(), effective_options(), tls_options(),
                                access_options(), accepted_options(), reported_options()}) {
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }();
    return table;
}

const Option* option_of_flag(std::string_view flag) noexcept {
    return find_option([=](const Option& option) { return !flag.empty() && option.flag == flag; });
}

const Option* option_of_letter(char letter) noexcept {
    return find_option([=](const Option& o) { return letter != 0 && o.letter == letter; });
}

const Option* option_of_word(std::string_view word) noexcept {
    return find_option([=](const Option& option) { return !word.empty() && option.word == word; });
}

const Option* option_of_key(std::string_view section, std::string_view key) noexcept {
    return find_option([=](const Option& option) {
        return !section.empty() && option.section == section && same_key(option.key, key);
    });
}

}  // namespace twincached::app
