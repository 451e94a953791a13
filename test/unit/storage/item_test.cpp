#include "storage/memory/item.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstring>
#include <string>

namespace twincached::storage {

namespace {

// Room for one item, as a slab would give it.
class Place {
  public:
    Item& write(const ItemForm& form, std::uint32_t more = 0) {
        bytes_.fill('\xA5');
        Item* item = reinterpret_cast<Item*>(bytes_.data());
        item->write(form, form.slab_bytes() + more);
        return *item;
    }

  private:
    alignas(8) std::array<char, 1024> bytes_{};
};

ItemForm small_form() {
    ItemForm form;
    form.key = "key";
    form.value_bytes = 5;
    form.version = Version{77} << 11;
    return form;
}

}  // namespace

TEST_CASE("an item keeps what it was made of, with or without what not every item has") {
    ItemForm form = small_form();
    form.expiry = GENERATE(Expiry::never(), Expiry::at(500));
    form.has_place_for_expiry = GENERATE(false, true);
    form.last_access = 400;
    form.frequency = 2;
    form.client_flags = GENERATE(0U, 1U, 0xFFFF'FFFFU);
    if (GENERATE(false, true)) form.explicit_cas = 0xFFFF'FFFF'FFFF'FFFF;
    form.fetched = GENERATE(false, true);
    form.stale = !form.fetched;
    form.won = form.fetched;
    form.binary_key = !form.fetched;
    Place place;
    Item& item = place.write(form);
    std::memcpy(item.value_in_slab(), "value", 5);

    CHECK(item.key() == "key");
    CHECK(std::string(item.value_in_slab(), item.value_bytes()) == "value");
    CHECK(item.cas() == form.explicit_cas.value_or(77));
    CHECK_FALSE(item.is_large());
    CHECK_FALSE(item.is_dead());
    const ItemForm read = item.form();
    CHECK(read.version == form.version);
    CHECK(read.expiry == form.expiry);
    CHECK(read.last_access == form.last_access);
    CHECK(read.client_flags == form.client_flags);
    CHECK(read.explicit_cas == form.explicit_cas);
    CHECK(read.frequency == form.frequency);
    CHECK(read.fetched == form.fetched);
    CHECK(read.stale == form.stale);
    CHECK(read.won == form.won);
    CHECK(read.binary_key == form.binary_key);
    CHECK(read.slab_bytes() == form.slab_bytes());
}

TEST_CASE("an item takes its header, what it has, and what is missing to eight bytes") {
    ItemForm form = small_form();
    CHECK(form.slab_bytes() == 18 + 3 + 5 + 6);
    form.expiry = Expiry::at(500);
    CHECK(form.slab_bytes() == 18 + 4 + 3 + 5 + 2);
    form.client_flags = 1;
    CHECK(form.slab_bytes() == 18 + 4 + 4 + 3 + 5 + 6);
    form.explicit_cas = 1;
    CHECK(form.slab_bytes() == 18 + 4 + 8 + 4 + 3 + 5 + 6);
}

TEST_CASE("an expiry changes where there is a place for one, and nothing else does") {
    ItemForm form = small_form();
    const bool expires = GENERATE(false, true);
    form.expiry = expires ? Expiry::at(500) : Expiry::never();
    form.has_place_for_expiry = !expires;
    form.explicit_cas = 9;
    form.client_flags = 8;
    Place place;
    Item& item = place.write(form);
    std::memcpy(item.value_in_slab(), "value", 5);
    REQUIRE(item.has_expiry());
    for (const auto expiry : {Expiry::at(7), Expiry::never(), Expiry::at(0xFFFF'FFFF)}) {
        item.set_expiry(expiry);
        CHECK(item.expiry() == expiry);
        CHECK(item.natural_bytes() == form.slab_bytes());
        CHECK(item.cas() == 9);
        CHECK(item.client_flags() == 8);
        CHECK(item.key() == "key");
        CHECK(std::string(item.value_in_slab(), item.value_bytes()) == "value");
    }
}

TEST_CASE("the longest value and the largest size that a slab may hold are kept") {
    std::array<std::uint64_t, 8192> room;
    ItemForm form = small_form();
    form.value_bytes = ItemHeader::slab_bytes_most - item_header_bytes - 3;
    Item* item = reinterpret_cast<Item*>(room.data());
    item->write(form, ItemHeader::slab_bytes_most);
    CHECK(item->value_bytes() == form.value_bytes);
    CHECK(item->slab_bytes() == ItemHeader::slab_bytes_most);
    CHECK_FALSE(item->has_expiry());
    CHECK_FALSE(item->has_explicit_cas());
    CHECK_FALSE(item->has_binary_key());
}

TEST_CASE("a large item has its extent's number and its length in the place of its value") {
    ItemForm form = small_form();
    form.value_bytes = value_length_limit;
    form.extent = 0xFEDC'BA98;
    Place place;
    const Item& item = place.write(form);
    CHECK(form.slab_bytes() == 18 + 3 + 4 + 4 + 3);
    CHECK(item.is_large());
    CHECK(item.extent() == 0xFEDC'BA98);
    CHECK(item.value_bytes() == value_length_limit);
    CHECK(item.form().extent == 0xFEDC'BA98);
}

TEST_CASE("a stub has the version of its birth in the place of its value") {
    ItemForm form;
    form.key = "key";
    form.birth = Version{123} << 11;
    Place place;
    const Item& item = place.write(form);
    CHECK(item.is_stub());
    CHECK(item.birth() == Version{123} << 11);
    CHECK(item.form().slab_bytes() == item.slab_bytes());
}

TEST_CASE("the frequency counts three uses and changes no other mark") {
    ItemForm form = small_form();
    form.stale = true;
    form.won = true;
    Place place;
    Item& item = place.write(form);
    CHECK(item.mark_use(5));
    CHECK_FALSE(item.is_fetched());
    CHECK(item.mark_access(6));
    CHECK(item.is_fetched());
    CHECK(item.raise_frequency());
    CHECK(item.last_access() == 6);
    CHECK(item.frequency() == frequency_limit);
    CHECK_FALSE(item.mark_access(7));
    CHECK_FALSE(item.mark_use(8));
    CHECK_FALSE(item.raise_frequency());
    CHECK(item.last_access() == 8);
    CHECK(item.frequency() == frequency_limit);
    item.set_frequency(0);
    CHECK(item.frequency() == 0);
    CHECK(item.is_fetched());
    CHECK(item.is_stale());
    CHECK(item.is_won());
    CHECK_FALSE(item.is_dead());
}

TEST_CASE("a read at the limit of the frequency still marks an item as fetched") {
    ItemForm form = small_form();
    form.frequency = frequency_limit;
    Place place;
    Item& item = place.write(form);
    CHECK_FALSE(item.mark_access(1));
    CHECK(item.is_fetched());
    CHECK(item.frequency() == frequency_limit);
}

TEST_CASE("an item knows the room that it has and the room that it needs") {
    Place place;
    Item& item = place.write(small_form(), 64);
    CHECK(item.slab_bytes() == small_form().slab_bytes() + 64);
    CHECK(item.natural_bytes() == small_form().slab_bytes());
    item.set_slab_bytes(item.natural_bytes());
    CHECK(item.slab_bytes() == small_form().slab_bytes());
}

}  // namespace twincached::storage
