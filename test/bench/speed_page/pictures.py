"""Bars of ratios beside one peer, as SVG: legible by day and by night, and told in words, too."""

LEFT, WIDE, HIGH, TOP, WIDTH = 330, 440, 26, 56, 860
MOST = 1.2  # the ratio at which a bar ends

STYLE = """  <style>
    text { font: 14px system-ui, "DejaVu Sans", sans-serif; }
    .paper { fill: #fcfcfa; }
    .ink { fill: #1b1f24; }
    .quiet { fill: #4b5563; }
    .a { fill: #dbeafe; stroke: #1d4ed8; stroke-width: 1.5; }
    .gone { fill: #fee2e2; stroke: #b91c1c; stroke-width: 1.5; }
    .line { fill: none; stroke: #4b5563; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0f1419; }
      .ink { fill: #e6edf3; }
      .quiet { fill: #b3bcc6; }
      .a { fill: #17315c; stroke: #7db0ff; }
      .gone { fill: #4a1d1f; stroke: #ff9a94; }
      .line { stroke: #9aa5b1; }
    }
  </style>"""


def _bar(place, name, ratio):
    y = TOP + place * HIGH
    length = min(ratio, MOST) / MOST * WIDE
    kind = "a" if ratio <= 1 else "gone"
    return [f'  <text class="ink" x="{LEFT - 12}" y="{y + 16}" text-anchor="end">{name}</text>',
            f'  <rect class="{kind}" x="{LEFT}" y="{y + 3}" width="{length:.0f}" '
            f'height="{HIGH - 8}"/>',
            f'  <text class="quiet" x="{LEFT + WIDE + 20}" y="{y + 16}" text-anchor="start">'
            f'{ratio:.2f}</text>']


def bars(rows, figure, peer, what):
    """Of the rows beside that peer. `what` is measured: 'CPU per request'."""
    ratios = {row["workload"]: row["figures"][figure]["ratio"] for row in rows
              if row["peer"] == peer and figure in row["figures"]}
    height = TOP + HIGH * len(ratios) + 40
    one = LEFT + WIDE / MOST
    drawn = [line for place, (name, ratio) in enumerate(ratios.items())
             for line in _bar(place, name, ratio)]
    said = ", ".join(f"{name}: {ratio:.2f}" for name, ratio in ratios.items())
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title desc">',
        f'  <title id="title">{what} beside {peer}</title>',
        f'  <desc id="desc">Bars of twincached\'s {what} as a part of {peer}\'s, one for each '
        f'workload; the line is {peer}. {said}.</desc>', STYLE,
        f'  <rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
        f'  <text class="ink" x="{one:.0f}" y="36" text-anchor="middle">{peer} = 1</text>', *drawn,
        f'  <path class="line" d="M{one:.0f} 46V{height - 24}"/>', "</svg>", ""])
