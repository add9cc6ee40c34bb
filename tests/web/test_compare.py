"""Looks at the pages that compare.sh wrote into a folder; its last line is the sum of its cases."""

import json
import os
import time

from pages import FOLDER, case, click_text, page, read_document, run, same


def rows_of_sweep():
    with open(os.path.join(FOLDER, "few.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def grid_rows(browser, keys):
    """Every row of the grid by its index, gathered while scrolling through it."""
    rows = {}
    offset = 0
    while True:
        seen, height, total = browser.js(
            """
            const grid = document.querySelector('.tree');
            grid.scrollTop = arguments[0];
            grid.dispatchEvent(new Event('scroll'));
            const rows = [...grid.querySelectorAll('.tree-body .tree-row')].map((row) => [
              Number(row.dataset.index), row.dataset.state,
              ...arguments[1].map((key) => row.querySelector('.cell-' + key).dataset.value),
            ]);
            return [rows, grid.clientHeight, grid.scrollHeight];
            """,
            offset,
            keys,
        )
        for index, *cells in seen:
            rows[index] = cells
        offset += height // 2
        if offset > total:
            return rows


def in_order(browser):
    """The visible rows, from the top."""
    return browser.js(
        "document.querySelector('.tree').scrollTop = 0;"
        "document.querySelector('.tree').dispatchEvent(new Event('scroll'));"
        "return [...document.querySelectorAll('.tree-body .tree-row')].map((row) => Number(row.dataset.index))"
    )


def figures(module):
    if module is None:
        return (0, 0, 0)
    return (module["parameters"], module["macs"], module["bytes_read"] + module["bytes_written"])


def check_diff(browser, name):
    diff = read_document(name)
    browser.open(page(name))
    cards = browser.js(
        "return Object.fromEntries([...document.querySelectorAll('.card')].map((card) =>"
        " [card.dataset.figure, [card.dataset.before, card.dataset.value, card.dataset.change].map(Number)]))"
    )
    for figure in ("parameters", "macs", "flops", "peak", "memory"):
        total = diff["totals"][figure]
        same(cards[figure], [total["before"], total["after"], total["change"]], figure)
    changed = {figure for figure, total in diff["totals"].items() if total["change"] != 0}
    assert changed <= set(cards), f"{changed - set(cards)} have no card"

    click_text(browser, "#modules button", "All")
    click_text(browser, "#modules button", "Expand all")
    keys = ["parameters", "change-parameters", "macs", "change-macs", "traffic", "change-traffic", "before", "after"]
    rows = grid_rows(browser, keys)
    same(len(rows), len(diff["modules"]), "modules")
    for index, module in enumerate(diff["modules"]):
        before, after = module.get("before"), module.get("after")
        expected = [module["state"]]
        for was, now in zip(figures(before), figures(after)):
            expected += [str(now), str(now - was)]
        expected += [side["path"] if side else "" for side in (before, after)]
        same(rows[index], expected, index)

    operators = browser.js("return [...document.querySelectorAll('#operators tbody tr')].map((row) => row.dataset.op)")
    same(operators, [each["op"] for each in diff["operators"]], "operators")


@case
def numbers_of_changes_equal_the_document(browser):
    check_diff(browser, "resnet50_resnext50_32x4d")


@case
def numbers_of_added_modules_equal_the_document(browser):
    check_diff(browser, "vgg11_vgg11_bn")


@case
def numbers_of_moved_modules_equal_the_document(browser):
    check_diff(browser, "resnet50_fasterrcnn_resnet50_fpn")
    in_order(browser)
    assert "(was conv1)" in browser.js("return document.querySelector('.tree').textContent")


@case
def only_changes_are_shown_first(browser):
    diff = read_document("resnet50_resnext50_32x4d")
    browser.open(page("resnet50_resnext50_32x4d"))
    click_text(browser, "#modules button", "Expand all")
    rows = grid_rows(browser, ["after"])
    expected = {i for i, module in enumerate(diff["modules"]) if module["state"] != "same"}
    same(set(rows), expected)


@case
def a_click_opens_and_tells(browser):
    browser.open(page("resnet50_resnext50_32x4d"))
    count = len(in_order(browser))
    browser.js("document.querySelectorAll('.tree-body .twisty')[1].click()")
    assert len(in_order(browser)) > count
    browser.js(
        "[...document.querySelectorAll('.tree-body .tree-row')]"
        ".find((row) => row.querySelector('.cell-after').dataset.value === 'layer1.0').click()"
    )
    browser.settle()
    details = browser.js("return document.querySelector('.details').textContent")
    assert "layer1.0" in details and "FLOPs" in details, details


@case
def the_largest_change_sorts_first(browser):
    diff = read_document("resnet50_resnext50_32x4d")
    browser.open(page("resnet50_resnext50_32x4d"))
    browser.js("document.querySelector('[data-column=\"change-macs\"] button').click()")
    browser.settle()
    change = [figures(diff["modules"][i]["after"])[1] - figures(diff["modules"][i]["before"])[1] for i in in_order(browser)][1:]
    same([abs(each) for each in change], sorted((abs(each) for each in change), reverse=True))
    same(browser.js("return document.querySelector('[data-column=\"change-macs\"]').getAttribute('aria-sort')"), "descending")


@case
def the_keyboard_walks_the_tree(browser):
    browser.open(page("vgg11_vgg11_bn"))
    press = (
        "const grid = document.querySelector('.tree'); grid.focus();"
        "grid.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))"
    )
    selected = "return document.querySelector('.tree-body [aria-selected=true] .cell-after').dataset.value"
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        browser.js(press, key)
    same(browser.js(selected), "features.1")
    browser.js(press, "ArrowLeft")
    same(browser.js(selected), "features")
    browser.js(press, "Home")
    same(browser.js(selected), "")


@case
def search_finds_types(browser):
    browser.open(page("vgg11_vgg11_bn"))
    browser.js(
        "const input = document.querySelector('#modules input'); input.value = 'batchnorm';"
        "input.dispatchEvent(new Event('input'))"
    )
    browser.settle()
    diff = read_document("vgg11_vgg11_bn")
    shown = [diff["modules"][i] for i in in_order(browser)]
    same(sum(module["state"] == "added" for module in shown), 8)
    same(len(shown), 10, "the eight with their two parents")


@case
def numbers_of_a_sweep_equal_its_rows(browser):
    expected = rows_of_sweep()
    browser.open(page("few"))
    names = list(expected[0])
    rows = grid_rows(browser, names)
    same(len(rows), len(expected))
    for index, row in enumerate(expected):
        for name, shown in zip(names, rows[index][1:]):
            value = row[name]
            if value is None:
                same(shown, None, (index, name))
            elif isinstance(value, str):
                same(shown, value, (index, name))
            else:
                same(float(shown), float(value), (index, name))


@case
def filters_hold_for_table_and_plot(browser):
    expected = rows_of_sweep()
    browser.open(page("few"))
    browser.js(
        "const input = document.getElementById('model-filter'); input.value = 'resnet18 vit';"
        "input.dispatchEvent(new Event('input'));"
        "const dtype = document.getElementById('filter-dtype'); dtype.value = 'int8';"
        "dtype.dispatchEvent(new Event('change'))"
    )
    browser.settle()
    wanted = [i for i, row in enumerate(expected) if row["model"] in ("resnet18", "vit_b_16") and row["dtype"] == "int8"]
    same(sorted(in_order(browser)), wanted)
    dots = browser.js("return document.querySelectorAll('#sweep-plot circle').length")
    same(dots, sum(expected[i]["memory"] is not None for i in wanted))
    series = browser.js("return [...document.querySelectorAll('#sweep-plot .series')].map((group) => group.dataset.series)")
    same(sorted(series), ["resnet18 · 100 · int8", "resnet18 · 224 · int8", "vit_b_16 · 224 · int8"])


@case
def a_dot_tells_its_figures(browser):
    browser.open(page("few"))
    browser.js(
        "document.querySelector('#sweep-plot circle').dispatchEvent(new PointerEvent('pointermove',"
        " {clientX: 300, clientY: 300, bubbles: true}))"
    )
    browser.settle()
    tooltip = browser.js("return document.querySelector('.tooltip').textContent")
    first = rows_of_sweep()[0]
    assert first["model"] in tooltip and str(first["memory"]) in tooltip, tooltip


@case
def a_sweep_sorts_with_refused_rows_last(browser):
    expected = rows_of_sweep()
    browser.open(page("few"))
    for _ in range(2):
        browser.js("document.querySelector('[data-column=\"macs\"] button').click()")
    browser.settle()
    shown = [expected[i]["macs"] for i in in_order(browser)]
    figures_shown = [each for each in shown if each is not None]
    same(figures_shown, sorted(figures_shown))
    browser.js("document.querySelector('.tree').scrollTop = 1e9; document.querySelector('.tree').dispatchEvent(new Event('scroll'))")
    last = browser.js("return [...document.querySelectorAll('.tree-body .tree-row')].map((row) => Number(row.dataset.index))")[-1]
    same(expected[last]["macs"], None)


@case
def other_axes_and_scales_draw(browser):
    browser.open(page("few"))
    for across in ("1", "2", "5"):
        for scale in ("Linear", "Logarithmic"):
            browser.js(
                "const select = document.querySelector('#plot select[aria-label=Across]'); select.value = arguments[0];"
                "select.dispatchEvent(new Event('change'))",
                across,
            )
            click_text(browser, "#plot button", scale)
            broken = browser.js("return document.querySelector('#sweep-plot').innerHTML.includes('NaN')")
            same(broken, False, (across, scale))
            assert browser.js("return document.querySelectorAll('#sweep-plot circle').length") > 0


@case
def dark_and_light_differ(browser):
    colours = {}
    for name in ("vgg11_vgg11_bn", "few"):
        for scheme in ("light", "dark"):
            browser.emulate(scheme=scheme)
            browser.open(page(name))
            colours[name, scheme] = browser.js("return getComputedStyle(document.body).backgroundColor")
        assert colours[name, "light"] != colours[name, "dark"]
    browser.emulate()


@case
def on_paper_all_rows_stand_in_flow(browser):
    browser.open(page("vgg11_vgg11_bn"))
    click_text(browser, "#modules button", "Expand all")
    browser.emulate(media="print")
    browser.js("dispatchEvent(new Event('beforeprint'))")
    browser.settle()
    rows, toolbars = browser.js(
        "return [document.querySelectorAll('.tree-body .tree-row').length,"
        " [...document.querySelectorAll('.toolbar')].filter((e) => e.offsetParent !== null).length]"
    )
    same(rows, 30, "every row that is open")
    same(toolbars, 0, "tools stay off the paper")
    browser.js("dispatchEvent(new Event('afterprint'))")
    browser.emulate()


@case
def narrow_screens_do_not_overflow(browser):
    try:
        browser.size(400, 800)
        for name in ("resnet50_resnext50_32x4d", "few"):
            browser.open(page(name))
            browser.settle()
            over = browser.js("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{name} is {over} pixels too wide"
    finally:
        browser.size(1400, 1000)


@case
def a_sweep_of_the_whole_zoo_stays_fluid(browser):
    begin = time.monotonic()
    browser.open(page("whole"))
    browser.settle()
    opened = time.monotonic() - begin
    rows = browser.js("return document.querySelectorAll('.tree-body .tree-row').length")
    assert rows < 80, f"{rows} rows exist at once"
    same(browser.js("return Number(document.querySelector('[data-figure=rows]').dataset.value)"), 12100)
    begin = time.monotonic()
    browser.js("document.querySelector('[data-column=\"macs\"] button').click()")
    browser.settle()
    sorted_in = time.monotonic() - begin
    print(f"  12,100 combinations: {opened:.2f} s to open, {sorted_in:.2f} s to sort")
    assert opened < 20 and sorted_in < 5


if __name__ == "__main__":
    run()
