#include "test/bench/load/dialect.hpp"

#include <charconv>

namespace twincached::load {
namespace {

using Meaning = Answer::Meaning;

void append_number(std::string& out, std::uint64_t value) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// How each of them says a value.
void append_counted(std::string& out, std::string_view bytes) {
    append_number(out, bytes.size());
    out += "\r\n";
    out += bytes;
    out += "\r\n";
}

Answer value_of(std::string_view size, std::string_view key = {}) {
    Answer answer{Meaning::value, 0, key};
    const auto end = size.data() + size.size();
    const auto read = std::from_chars(size.data(), end, answer.bytes);
    return read.ec == std::errc{} && read.ptr == end ? answer : Answer{};
}

class Text : public Dialect {
  public:
    void append_get(std::string& out, const Content& content,
                    std::span<const std::uint32_t> keys) const override {
        out += "get";
        for (const auto key : keys) {
            out += ' ';
            content.append_key(out, key);
        }
        out += "\r\n";
    }

    void append_set(std::string& out, const Content& content, std::uint32_t key) const override {
        out += "set ";
        content.append_key(out, key);
        out += " 0 0 ";
        append_counted(out, content.value(key));
    }

    Answer read(std::string_view line) const override {
        static constexpr std::string_view value = "VALUE ";
        if (line.starts_with(value)) {
            const auto key = line.substr(value.size(), line.find(' ', value.size()) - value.size());
            return value_of(line.substr(line.rfind(' ') + 1), key);
        }
        if (line == "END") return {Meaning::end};
        if (line == "STORED") return {Meaning::stored};
        return {};
    }

    bool ends_a_get() const override { return true; }
};

class Meta : public Dialect {
  public:
    void append_get(std::string& out, const Content& content,
                    std::span<const std::uint32_t> keys) const override {
        for (const auto key : keys) {
            out += "mg ";
            content.append_key(out, key);
            out += " v\r\n";
        }
    }

    void append_set(std::string& out, const Content& content, std::uint32_t key) const override {
        out += "ms ";
        content.append_key(out, key);
        out += ' ';
        append_counted(out, content.value(key));
    }

    Answer read(std::string_view line) const override {
        if (line.starts_with("VA ")) return value_of(line.substr(3));
        if (line == "EN") return {Meaning::missing};
        if (line == "HD") return {Meaning::stored};
        return {};
    }

    bool ends_a_get() const override { return false; }
};

// Commands are arrays of bulk strings. https://redis.io/docs/reference/protocol-spec
class Resp : public Dialect {
  public:
    void append_get(std::string& out, const Content& content,
                    std::span<const std::uint32_t> keys) const override {
        begin(out, keys.size() + 1, keys.size() == 1 ? "GET" : "MGET");
        for (const auto key : keys)
            append_key(out, content, key);
    }

    void append_set(std::string& out, const Content& content, std::uint32_t key) const override {
        begin(out, 3, "SET");
        append_key(out, content, key);
        append_string(out, content.value(key));
    }

    Answer read(std::string_view line) const override {
        if (line == "+OK") return {Meaning::stored};
        if (line == "$-1") return {Meaning::missing};
        if (line.starts_with('$')) return value_of(line.substr(1));
        if (line.starts_with('*')) return {Meaning::several};
        return {};
    }

    bool ends_a_get() const override { return false; }

  private:
    static void begin(std::string& out, std::uint64_t words, std::string_view command) {
        out += '*';
        append_number(out, words);
        out += "\r\n";
        append_string(out, command);
    }

    static void append_string(std::string& out, std::string_view bytes) {
        out += '$';
        append_counted(out, bytes);
    }

    static void append_key(std::string& out, const Content& content, std::uint32_t key) {
        out += '$';
        append_number(out, content.key_bytes());
        out += "\r\n";
        content.append_key(out, key);
        out += "\r\n";
    }
};

}  // namespace

std::unique_ptr<const Dialect> make_dialect(Protocol protocol) {
    switch (protocol) {
        case Protocol::text:
            return std::make_unique<Text>();
        case Protocol::meta:
            return std::make_unique<Meta>();
        case Protocol::resp:
            return std::make_unique<Resp>();
    }
    return nullptr;
}

}  // namespace twincached::load
