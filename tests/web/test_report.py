"""Looks at the pages that report.sh wrote into a folder; its last line is the sum of its cases."""

import base64
import json
import os
import time

from pages import FOLDER, case, click_text, page, read_document, run, same

FIGURES = ("parameters", "macs", "flops")

def tree_rows(browser):
    """Every row of the module tree, gathered while scrolling through it."""
    rows = {}
    offset = 0
    while True:
        seen, height, total = browser.js(
            """
            const tree = document.querySelector('.tree');
            tree.scrollTop = arguments[0];
            tree.dispatchEvent(new Event('scroll'));
            const rows = [...tree.querySelectorAll('.tree-body .tree-row')].map((row) => [
              row.dataset.path,
              ...arguments[1].map((key) => Number(row.querySelector('.cell-' + key).dataset.value)),
            ]);
            return [rows, tree.clientHeight, tree.scrollHeight];
            """,
            offset,
            FIGURES,
        )
        for path, *figures in seen:
            rows[path] = figures
        offset += height // 2
        if offset > total:
            return rows


def visible_paths(browser):
    return browser.js("return [...document.querySelectorAll('.tree-body .tree-row')].map((row) => row.dataset.path)")


def check_numbers(browser, model):
    document = read_document(model)
    browser.open(page(model))
    totals = document["totals"]
    shown = browser.js(
        "return Object.fromEntries([...document.querySelectorAll('.card')].map((card) =>"
        " [card.dataset.figure, Number(card.dataset.value)]))"
    )
    for name in ("parameters", "macs", "flops", "activations", "peak_activation_bytes", "parameter_bytes"):
        same(shown[name], totals[name], name)
    same(shown["traffic"], totals["bytes_read"] + totals["bytes_written"], "traffic")

    click_text(browser, "#modules button", "Expand all")
    rows = tree_rows(browser)
    same(len(rows), len(document["modules"]), "modules")
    for module in document["modules"]:
        same(rows[module["path"]], [module[name] for name in FIGURES], module["path"])

    browser.show("operators")
    table = browser.js(
        "return Object.fromEntries([...document.querySelectorAll('#operator-table tbody tr')].map((row) =>"
        " [row.dataset.operator, ['count', 'macs', 'flops', 'bytes_read', 'bytes_written'].map((key) =>"
        " Number(row.querySelector(`[data-column=${key}]`).dataset.value))]))"
    )
    for entry in document["operators"]:
        keys = ("count", "macs", "flops", "bytes_read", "bytes_written")
        same(table[entry["op"]], [entry[key] for key in keys], entry["op"])


@case
def resnet_numbers_equal_the_profile(browser):
    check_numbers(browser, "resnet50")


@case
def bounded_numbers_equal_the_profile(browser):
    check_numbers(browser, "maskrcnn_resnet50_fpn")
    assert "≤" in browser.js("return document.querySelector('[data-figure=flops] .card-value').textContent")


@case
def bounds_are_marked_in_the_breakdown_and_the_roofline(browser):
    browser.open(page("maskrcnn_resnet50_fpn"))
    browser.show("breakdown")
    assert "≤" in browser.js("return document.querySelector('#breakdown .trail').textContent")
    values = browser.js("return [...document.querySelectorAll('#breakdown .tile-value')].map((t) => t.textContent)")
    assert any("≤" in value for value in values), values
    browser.show("roofline")
    verdict = browser.js("return document.querySelector('.verdict').textContent")
    assert "≤" in verdict and "At least" not in verdict, verdict


@case
def transformer_numbers_equal_the_profile(browser):
    check_numbers(browser, "swin_v2_b")


@case
def a_click_opens_a_module(browser):
    browser.open(page("resnet50"))
    assert "layer1.0" not in visible_paths(browser)
    browser.js("document.querySelector('[data-path=\"layer1\"] .twisty').click()")
    assert "layer1.0" in visible_paths(browser)
    same(browser.js("return document.querySelector('[data-path=\"layer1\"]').getAttribute('aria-expanded')"), "true")
    browser.js("document.querySelector('[data-path=\"layer1\"] .twisty').click()")
    assert "layer1.0" not in visible_paths(browser)


@case
def the_tree_works_by_keyboard(browser):
    from selenium.webdriver.common.keys import Keys

    browser.open(page("resnet50"))
    tree = browser.driver.find_element("css selector", ".tree")
    same(tree.get_attribute("role"), "treegrid")
    current = lambda: browser.js(
        "return document.querySelector('.tree-row[aria-selected=true]').dataset.path"
    )
    tree.send_keys(Keys.END)
    same(current(), "fc")
    tree.send_keys(Keys.HOME)
    for _ in range(5):
        tree.send_keys(Keys.ARROW_DOWN)
    same(current(), "layer1")
    tree.send_keys(Keys.ARROW_RIGHT)
    tree.send_keys(Keys.ARROW_RIGHT)
    same(current(), "layer1.0")
    tree.send_keys(Keys.ARROW_LEFT)
    same(current(), "layer1")
    tree.send_keys(Keys.ARROW_LEFT)
    assert "layer1.0" not in visible_paths(browser)
    active = browser.js("return document.getElementById(document.querySelector('.tree').getAttribute('aria-activedescendant')).dataset.path")
    same(active, "layer1")
    assert "layer1" in browser.js("return document.querySelector('#modules .details h3').textContent")


@case
def columns_sort(browser):
    browser.open(page("resnet50"))
    modules = [m for m in read_document("resnet50")["modules"] if m["path"] and "." not in m["path"]]
    declared = [m["path"] for m in modules]
    header = "#modules [data-column=macs] button"
    browser.js("document.querySelector(arguments[0]).click()", header)
    largest_first = [m["path"] for m in sorted(modules, key=lambda m: -m["macs"])]
    same(visible_paths(browser)[1:], largest_first)
    same(browser.js("return document.querySelector('#modules [data-column=macs]').getAttribute('aria-sort')"), "descending")
    browser.js("document.querySelector(arguments[0]).click()", header)
    same(visible_paths(browser)[1:], [m["path"] for m in sorted(modules, key=lambda m: m["macs"])])
    browser.js("document.querySelector(arguments[0]).click()", header)
    same(visible_paths(browser)[1:], declared)


@case
def the_search_finds(browser):
    browser.open(page("resnet50"))
    browser.driver.find_element("id", "tree-search").send_keys("layer3.2.CONV")
    browser.settle()
    same(visible_paths(browser), ["", "layer3", "layer3.2", "layer3.2.conv1", "layer3.2.conv2", "layer3.2.conv3"])
    browser.driver.find_element("id", "tree-search").send_keys("nothing of that name")
    browser.settle()
    same(visible_paths(browser), [])


@case
def the_graph_opens_modules(browser):
    browser.open(page("resnet50"))
    browser.show("graph")
    boxes = lambda: browser.js("return document.querySelectorAll('.graph .box').length")
    before = boxes()
    label = "return [...document.querySelectorAll('.graph .box')].find((box) => box.getAttribute('aria-label') === 'layer1 Sequential')"
    browser.js(label + ".querySelector('.opener').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    opened = boxes()
    assert opened >= before + 3, f"{before} boxes, then {opened}"
    browser.js(label + ".dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    same(browser.js("return document.querySelector('#graph .details h3').textContent"), "layer1")
    operator = "[...document.querySelectorAll('.graph .box.operator')].find((box) => box.textContent.includes('flatten'))"
    browser.js(operator + ".dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    details = browser.js("return document.querySelector('#graph .details').textContent")
    assert "flatten" in details and "1 × 2048" in details and "start" in details, details
    browser.js(label + ".dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}))")
    same(boxes(), before)
    width = lambda: browser.js("return document.querySelector('.graph > g').getBoundingClientRect().width")
    wide = width()
    browser.js("document.querySelector('#graph [title=\"Zoom in\"]').click()")
    assert width() > wide


@case
def a_graph_without_modules_opens_in_runs(browser):
    """Files without a module tree put all operators into one place."""
    with open(page("swin_v2_b"), encoding="utf-8") as file:
        text = file.read()
    begin = text.index('id="data">') + len('id="data">')
    end = text.index("</script>", begin)
    document = json.loads(text[begin:end])
    document["profile"]["modules"] = document["profile"]["modules"][:1]
    document["graph"]["parents"] = [-1]
    document["graph"]["parameters"] = []
    for node in document["graph"]["nodes"]:
        node[1] = 0
    with open(page("flat"), "w", encoding="utf-8") as file:
        file.write(text[:begin] + json.dumps(document).replace("<", "\\u003c") + text[end:])
    browser.open(page("flat"))
    browser.show("graph")
    boxes = browser.js("return document.querySelectorAll('.graph .box').length")
    assert 10 < boxes < 150, boxes
    browser.js("document.querySelector('.graph .box.run .opener').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert browser.js("return document.querySelectorAll('.graph .box.operator').length") > 10


@case
def a_module_is_found_in_the_graph(browser):
    browser.open(page("swin_v2_b"))
    browser.driver.find_element("id", "tree-search").send_keys("features.5.17.attn")
    browser.settle()
    browser.js("document.querySelector('[data-path=\"features.5.17.attn\"]').click()")
    click_text(browser, "#modules .details button", "Show in graph")
    same(browser.js("return document.querySelector('#graph .details h3').textContent"), "features.5.17.attn")
    place = browser.js("const p = document.querySelector('.graph .picked').getBoundingClientRect(); return [p.left, p.width]")
    assert place[0] >= 0 and place[1] > 20, place


@case
def the_breakdown_goes_in_and_out(browser):
    browser.open(page("resnet50"))
    browser.show("breakdown")
    tiles = lambda: browser.js("return document.querySelectorAll('.breakdown .tile').length")
    assert tiles() > 20
    click_text(browser, "#breakdown .choice button", "Sunburst")
    assert browser.js("return document.querySelectorAll('.breakdown .tile path').length") > 20
    click_text(browser, "#breakdown .choice button", "Parameters")
    click_text(browser, "#breakdown .choice button", "Treemap")
    browser.js("document.querySelector('.breakdown [data-path=\"layer4\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    browser.settle()
    trail = browser.js("return document.querySelector('.trail').textContent")
    assert "layer4" in trail and "14.96 M" in trail, trail
    browser.js("document.querySelector('.trail button').click()")
    assert "layer4" not in browser.js("return document.querySelector('.trail').textContent")


@case
def the_roofline_tells_the_least_time(browser):
    browser.open(page("resnet50"))
    browser.show("roofline")
    assert browser.js("return document.querySelectorAll('#roofline .dot').length") > 10
    nodes = browser.js("return JSON.parse(document.getElementById('data').textContent).graph.nodes.map((n) => [n[6], n[7] + n[8]])")
    least = sum(max(flops / 20e12, moved / 1000e9) for flops, moved in nodes)
    browser.js(
        "const [peak, bandwidth] = document.querySelectorAll('#roofline input[type=number]');"
        "for (const [input, value] of [[peak, 20], [bandwidth, 1000]]) {"
        " input.value = value; input.dispatchEvent(new Event('input')); }"
    )
    same(browser.js("return document.querySelector('.verdict strong').textContent"), f"{least * 1e6:.1f} µs")


@case
def the_roofline_of_a_device_is_the_commands(browser):
    browser.open(page("resnet50"))
    browser.show("roofline")
    titles = browser.js("return [...document.querySelectorAll('#roofline select option')].map((o) => o.textContent)")
    with open(os.path.join(FOLDER, "resnet50.roofline.json"), encoding="utf-8") as file:
        devices = json.load(file)["devices"]
    same(titles, [device["title"] for device in devices])
    for index, device in enumerate(devices):
        browser.js(
            "const select = document.querySelector('#roofline select');"
            "select.value = arguments[0]; select.dispatchEvent(new Event('change'));",
            index,
        )
        shown = browser.js("return [...document.querySelectorAll('#roofline input[type=number]')].map((i) => Number(i.value))")
        assert abs(shown[0] * 1e12 / device["peak"] - 1) < 1e-9, shown
        assert abs(shown[1] * 1e9 / device["bandwidth"] - 1) < 1e-9, shown
        seconds = device["lower_bound_seconds"]
        text = browser.js("return document.querySelector('.verdict strong').textContent")
        number, unit = text.split()
        printed = float(number) * {"s": 1, "ms": 1e-3, "µs": 1e-6}[unit]
        assert abs(printed / seconds - 1) < 1e-3, (text, seconds)


@case
def the_timeline_reaches_the_peak(browser):
    browser.open(page("resnet50"))
    browser.show("memory")
    nodes = browser.js("return JSON.parse(document.getElementById('data').textContent).graph.nodes.map((n) => n[9])")
    same(max(nodes), read_document("resnet50")["totals"]["peak_activation_bytes"])
    assert browser.js("return document.querySelector('#memory .peak') !== null")
    assert browser.js("return document.querySelectorAll('#memory tbody tr').length") >= 2


@case
def both_themes(browser):
    background = lambda: browser.js("return getComputedStyle(document.body).backgroundColor")
    browser.emulate(scheme="light")
    browser.open(page("resnet50"))
    light = background()
    browser.emulate(scheme="dark")
    dark = background()
    assert light != dark, light
    click_text(browser, "header .choice button", "Light")
    same(background(), light)
    browser.emulate(scheme="light")
    click_text(browser, "header .choice button", "Dark")
    same(background(), dark)
    click_text(browser, "header .choice button", "Auto")
    same(background(), light)


@case
def it_prints_whole(browser):
    browser.emulate(media="")
    browser.open(page("resnet50"))
    pdf = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 30000, len(pdf)
    for drawn in ("#breakdown .tile", "#graph .box", "#roofline .dot", "#memory .line", "#operator-table td"):
        assert browser.js("return document.querySelector(arguments[0]) !== null", drawn), drawn
    browser.emulate(media="print")
    try:
        same(browser.js("return getComputedStyle(document.querySelector('header nav')).display"), "none")
        same(browser.js("return getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
    finally:
        browser.emulate()


@case
def narrow_screens_do_not_scroll_sideways(browser):
    browser.size(375, 800)
    try:
        browser.open(page("maskrcnn_resnet50_fpn"))
        for section in ("breakdown", "graph", "roofline", "memory", "operators"):
            browser.show(section)
        wide = browser.js("return document.documentElement.scrollWidth")
        assert wide <= 375, wide
    finally:
        browser.size(1400, 1000)


@case
def hostile_names_stay_text(browser):
    browser.open(page("hostile"))
    click_text(browser, "#modules button", "Expand all")
    for section in ("breakdown", "graph", "roofline", "memory", "operators"):
        browser.show(section)
    # A line separator is shown as its number.
    paths = {module["path"].replace("\u2028", "\\u2028") for module in read_document("hostile")["modules"]}
    assert any("</script><script>" in path for path in paths), "the names are not hostile"
    same(set(tree_rows(browser)), paths)
    same(browser.js("return typeof hacked"), "undefined")
    same(browser.js("return [document.scripts.length, document.images.length]"), [2, 0])


@case
def the_policy_forbids_requests(browser):
    browser.open(page("resnet50"))
    blocked = browser.driver.execute_async_script(
        "const done = arguments[0];"
        "document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));"
        "fetch('https://example.org/').catch(() => setTimeout(() => done('no report'), 1000));"
    )
    same(blocked, "connect-src")
    browser.complaints()  # this one was asked for
    browser.requests()


@case
def large_models_stay_fluid(browser):
    for model in ("swin_v2_b", "maskrcnn_resnet50_fpn"):
        begin = time.monotonic()
        browser.open(page(model))
        for section in ("modules", "breakdown", "graph", "roofline", "memory", "operators"):
            browser.show(section)
        opened = time.monotonic() - begin
        click_text(browser, "#modules button", "Expand all")
        rows = len(visible_paths(browser))
        assert rows < 80, f"{rows} rows exist at once"
        slowest = browser.js(
            """
            const tree = document.querySelector('.tree');
            let slowest = 0;
            for (let offset = 0; offset < tree.scrollHeight; offset += 300) {
              const begin = performance.now();
              tree.scrollTop = offset;
              tree.dispatchEvent(new Event('scroll'));
              tree.getBoundingClientRect();
              slowest = Math.max(slowest, performance.now() - begin);
            }
            return slowest;
            """
        )
        print(f"  {model}: {opened:.2f} s for all sections, {slowest:.1f} ms for the slowest scroll")
        rows = len(visible_paths(browser))
        assert rows < 80, f"{rows} rows exist after scrolling"


if __name__ == "__main__":
    run()
