"""The chapter of misses, of what `misses --json` says."""

POLICIES = ["LRU", "ARC", "LIRS", "W-TinyLFU", "S3-FIFO"]


def table(rows):
    lines = ["| trace | MiB | store | " + " | ".join(POLICIES) + " | Belady | to the best |",
             "|---" * (len(POLICIES) + 5) + "|"]
    for row in rows:
        limit = min(row["Belady"], row["Belady by size"])
        if row["store"] - limit < 0.002:
            continue  # everything fits
        cells = [f"{value:.3f}" for value in
                 (row["store"], *(row[policy] for policy in POLICIES), limit)]
        lines.append(f"| {row['trace']} | {row['mib']:g} | {' | '.join(cells)} | "
                     f"**{row['to_best']:.3f}** |")
    return lines


def chapter(rows):
    return [
        "## Misses", "",
        "Requests that miss, of the store and of policies simulated object by object on the same",
        "bytes (30 for each object beside its key and value, as many as the store needs; what they",
        "remember of others is free). Belady knows the future: the smaller of farthest use and",
        "farthest use by size. `build/release/test/bench/misses --seed 7`, made-up traces of a",
        "million requests each, and recorded ones by the names of their files; rows where",
        "everything fits are left out.", "",
        *table(rows), "",
        "Where the store is more than 3 % above the best, it is for one of these:", "",
        "- **loop**: LIRS keeps the first that came for ever, and gives newcomers a hundredth. Here",
        "  these begin with a quarter, which is halved each time that a quarter of the memory has left",
        "  for nothing; meanwhile main, too, gives up slabs that would have been asked for next. And",
        "  index, ghosts and what is set aside for them take 8 bytes an item more than are counted.",
        "- **drift**: recency alone is best, and all that was hot before is worth nothing. That main",
        "  holds too much of it is known only when that comes to be evicted.",
        "- **short**: recency alone is best for sessions that come and go, and what has expired takes",
        "  room until half of its slab has; with 6 MiB the slabs that are not full count, too, one",
        "  for each class of lifetime.", ""]
