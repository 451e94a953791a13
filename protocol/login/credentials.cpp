#include "protocol/login/credentials.hpp"

#include <utility>

namespace twincached::protocol {

void Credentials::replace(PasswordTable table) {
    auto fresh = std::make_shared<const PasswordTable>(std::move(table));
    const lib::MutexLock lock(mutex_);
    table_.swap(fresh);
}

bool Credentials::accept(std::string_view user, std::string_view password) const noexcept {
    std::shared_ptr<const PasswordTable> table;
    {
        const lib::MutexLock lock(mutex_);
        table = table_;
    }
    return table != nullptr && table->accepts(user, password);
}

}  // namespace twincached::protocol
