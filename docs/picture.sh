#!/usr/bin/env bash
# Write docs/pictures/report.png, the top of a report as Chromium or Chrome shows it; another can be named in $BROWSER.
#     bash docs/picture.sh BUNDLE/report.html
set -euo pipefail

report=$(realpath "${1:?name the report: bash docs/picture.sh BUNDLE/report.html}")
picture=$(dirname "$(realpath "$0")")/pictures/report.png
mkdir -p "$(dirname "$picture")"

for browser in "${BROWSER:-}" chromium chromium-browser google-chrome; do
    [ -n "$browser" ] && command -v "$browser" >/dev/null && break
    browser=
done
[ -n "$browser" ] || { echo "picture.sh needs Chromium or Chrome; name it: BROWSER=..." >&2; exit 1; }

profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
"$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile" \
    --window-size=1000,790 --virtual-time-budget=3000 --screenshot="$picture" "file://$report" 2>/dev/null
echo "$picture: $(wc -c <"$picture") bytes"
