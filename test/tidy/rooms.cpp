#include "test/tidy/rooms.hpp"

#include <algorithm>

namespace twincached::tidy {
namespace {

using Graph = std::map<std::string, std::set<std::string>>;

// A walk in depth that remembers the way it came by.
class CircleSearch {
  public:
    explicit CircleSearch(const Graph& graph) : graph_(graph) {}

    std::vector<std::string> run() {
        for (const auto& [node, _] : graph_)
            visit(node);
        return std::move(circles_);
    }

  private:
    void visit(const std::string& node) {
        const auto seen = std::find(way_.begin(), way_.end(), node);
        if (seen != way_.end()) {
            std::string circle;
            for (auto step = seen; step != way_.end(); ++step)
                circle += *step + " -> ";
            circles_.push_back(circle + node);
            return;
        }
        if (!done_.insert(node).second) return;
        const auto arrows = graph_.find(node);
        if (arrows == graph_.end()) return;
        way_.push_back(node);
        for (const auto& next : arrows->second)
            visit(next);
        way_.pop_back();
    }

    const Graph& graph_;
    std::vector<std::string> way_;
    std::set<std::string> done_;
    std::vector<std::string> circles_;
};

}  // namespace

std::string room_of(std::string_view path) {
    return std::string(path.substr(0, path.rfind('/')));
}

bool is_root(std::string_view room) {
    return room.find('/') == std::string_view::npos;
}

std::vector<RoomArrow> arrows_between_rooms(const std::vector<SourceFile>& files) {
    std::vector<RoomArrow> arrows;
    for (const auto& file : files) {
        const auto from = room_of(file.path);
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const auto target = included_by(file.lines[i]);
            if (layer_of(target).empty() || layer_of(target) != layer_of(file.path)) continue;
            const auto to = room_of(target);
            if (to == from) continue;
            arrows.push_back(
                {from, to, file.path + ":" + std::to_string(i + 1) + ": " + file.lines[i]});
        }
    }
    return arrows;
}

std::vector<std::string> circles_in(const Graph& arrows) {
    return CircleSearch(arrows).run();
}

}  // namespace twincached::tidy
