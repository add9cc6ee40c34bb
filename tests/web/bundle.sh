# The committed page is what its sources make, to the byte. That needs Node and npm's registry;
# where they are missing the check is left out, and says so.
. "$SOURCE_DIR/tests/cli/_lib.sh"

tar -C "$SOURCE_DIR/web" -c --exclude=node_modules . | tar -x
if ! command -v node npm >/dev/null; then
  echo "NOT CHECKED: web/dist/report.html against its sources, as there is no node and npm"
elif ! timeout 300 npm ci --ignore-scripts --no-audit --no-fund >npm.txt 2>&1; then
  echo "NOT CHECKED: web/dist/report.html against its sources, as npm ci failed:"
  tail -n 5 npm.txt
else
  expect "types" npm run typecheck
  expect "build" node build.mjs rebuilt.html
  expect "web/dist/report.html is not what web/src makes: run npm ci --ignore-scripts && npm run build in web/" \
    cmp rebuilt.html "$SOURCE_DIR/web/dist/report.html"
fi
finish
