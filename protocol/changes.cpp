#include "protocol/changes.hpp"

namespace twincached::protocol {

bool is_change(const Command& command) noexcept {
    switch (command.verb) {
        case Verb::gat:
        case Verb::gats:
        case Verb::set:
        case Verb::add:
        case Verb::replace:
        case Verb::append:
        case Verb::prepend:
        case Verb::cas:
        case Verb::remove:
        case Verb::incr:
        case Verb::decr:
        case Verb::touch:
        case Verb::meta_set:
        case Verb::meta_delete:
        case Verb::meta_arithmetic:
        case Verb::flush_all:
            return true;
        case Verb::meta_get:
            // New expiry, or an item where there was none. A win token is this node's own affair.
            return command.meta.has('T') || command.meta.has('N');
        case Verb::get:
        case Verb::gets:
        case Verb::meta_no_op:
        case Verb::meta_debug:
        case Verb::version:
        case Verb::verbosity:
        case Verb::quit:
        case Verb::shutdown:
        case Verb::cache_memlimit:
        case Verb::stats:
        case Verb::slabs:
        case Verb::lru:
        case Verb::lru_crawler:
        case Verb::watch:
        case Verb::refresh_certs:
        case Verb::extstore:
        case Verb::debugtime:
            return false;
    }
    return false;
}

bool is_change(const BinaryRequest& request) noexcept {
    switch (request.shape->verb) {
        case BinaryVerb::get_and_touch:
        case BinaryVerb::touch:
        case BinaryVerb::set:
        case BinaryVerb::add:
        case BinaryVerb::replace:
        case BinaryVerb::append:
        case BinaryVerb::prepend:
        case BinaryVerb::remove:
        case BinaryVerb::increment:
        case BinaryVerb::decrement:
        case BinaryVerb::flush:
            return true;
        case BinaryVerb::get:
        case BinaryVerb::quit:
        case BinaryVerb::no_op:
        case BinaryVerb::version:
        case BinaryVerb::stat:
        case BinaryVerb::verbosity:
        case BinaryVerb::sasl_list:
        case BinaryVerb::sasl_start:
        case BinaryVerb::sasl_step:
            return false;
    }
    return false;
}

}  // namespace twincached::protocol
