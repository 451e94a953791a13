namespace twincached::app {
const char* version() noexcept {
    return TWINCACHED_VERSION;
}
}  // namespace twincached::app
