#!/usr/bin/env python3
"""Golden file of chat templates, rendered by `transformers` (jinja2).

  make_golden_templates.py [--out DIR]

chat_templates.json: "cases", each a template, the index of its conversation in
"chats" and the text, or null where jinja2 raises; "refused", each a template
that jinja2 renders and sftbench does not, with what the error must name.
Needs transformers 5 and jinja2 3.1.

Writes: chat_templates.json
"""
import argparse
import json
import os
from importlib.metadata import version

import jinja2
from transformers.utils.chat_template_utils import _compile_jinja_template

HERE = os.path.dirname(os.path.abspath(__file__))


def turns(*pairs):
    return [{"role": r, "content": c} for r, c in pairs]


CHATS = [
    turns(("user", "Hi, who are you?"), ("assistant", "A bot. \n"),
          ("user", "né東 \u3000x'y\"z")),
    turns(("system", "Be brief."), ("user", "né東 ok\u00a0"),
          ("assistant", "<think>\nHm.\n</think>\n\nYes.")),
]

LOOP = ("{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content"
        " + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|im_start|>assistant\\n' }}{% endif %}")

# Values, operators, tests and scopes.
VALUES = r"""
{{ 'a' and 'b' }}{{ '' or 'c' }}{{ '' and 'x' }}{{ 0 or none }}{{ [] or 'e' }}
{{ {} or 'f' }}{{ not {} }}{{ 0 in [0] }}{{ '' in [''] }}{{ 'a' in {'a': 1} }}
{{ tools is defined }}{{ documents is defined }}{{ nope is defined }}
{{ tools is none }}{{ nope is none }}{{ nope is undefined }}{{ tools == none }}
{{ tools or 'x' }}{{ tools is not none and tools|length > 0 }}
{{ tools|default('d') }}|{{ nope|default('d') }}|{{ ''|default('e', true) }}
{{ messages[0].tool_calls is defined }}{{ messages[0].tool_calls }}
{{ messages[0].get('name') }}{{ messages[0].get('name', 'zz') }}
{{ true }}{{ True }}{{ none }}{{ None }}{{ false }}{{ nope }}{{ null }}
{{ 'x' if false }}|{{ 'x' if nope else 'y' }}
{{ 3.0 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 2 ** 3 }} {{ -7 // 2 }}
{{ -7 % 3 }} {{ 7 % -3 }} {{ 1.5 + 2 }} {{ true + 1 }} {{ 2 ** -1 }}
{{ 'é東'|length }}{{ messages[0].content[:2] }}{{ messages[-1].content[:3] }}
{{ 'né東x'[1] }}{{ 'né東x'[-2] }}{{ 'né東x'[::-1] }}{{ 'né東x'[1:3] }}
{{ 'ab'[5] }}|{{ messages[9] }}|{{ 'abc'[5:] }}|{{ 'abc'[:-1] }}
{% for c in 'né東' %}{{ c }}.{% endfor %}
{{ {'a': 1, 'b': [1, 2.5, none, true, 'é']} }}{{ [] }}{{ {} }}{{ (1, 'a') }}
{{ [1, 'a', none, true] }}{{ ['it\'s', 'a"b', 'a\nb', '\\'] }}{{ (1,) }}
{{ messages|tojson }}{{ none|tojson }}{{ [true, 1.5]|tojson }}
{{ messages|tojson(indent=2) }}{{ {'a': [], 'b': {}}|tojson(indent=4) }}
{{ 1 < 2 }}{{ 'a' < 'b' }}{{ 'é' > 'z' }}{{ 2 >= 2.0 }}{{ 1 == true }}
{{ [0, ''] == [0, ''] }}{{ {'a': none} == {'a': none} }}{{ 'a' != 'b' }}
{{ 3 is number }}{{ true is number }}{{ 'a' is sequence }}{{ {} is mapping }}
{{ messages is iterable }}{{ 3 is iterable }}{{ 3 is integer }}{{ 3.0 is float }}
{{ 1 is true }}{{ true is true }}{{ '' is false }}{{ 'a' is string }}
{{ raise_exception is defined }}{{ strftime_now is not defined }}
{{ messages[2].content.strip() }}|{{ ' a '|trim }}|{{ '\u3000a\xa0'.strip() }}
{{ 'xxaxx'.strip('x') }}{{ 'éaé'.strip('é') }}{{ ' a '.lstrip() }}|
{{ '\d\x41\u00e9\t|\'|"' }}{{ "a\"b" }}
{% for m in messages %}{{ loop.index }}{% endfor %}{{ m is defined }}
{% for i in [1, 2] %}{{ x is defined }}{% set x = i %}{% endfor %}{{ x }}
{% macro f(x, y='k') %}[{{ x }}{{ y }}]{% endmacro %}{{ f('q') }}{{ y }}{{ f() }}
{% for m in messages %}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{% endfor %}
{% for m in messages if m.role == 'user' %}{{ loop.index }}{% endfor %}
{% for x in nope %}x{% else %}none{% endfor %}{{ nope|length }}
{{ 'ab' * 3 }}{{ [1] + [2] }}{{ 'a' ~ 1 ~ none ~ 2.0 ~ nope }}
{{ messages[0]['role'] == 'system' and messages[0].content or 'You are kind.' }}
{% if tools is defined %}T{% else %}F{% endif %}
{{ 'x' in 'xy' }}{{ 'x' not in 'ab' }}{{ not 'a' in 'abc' }}{{ 'a' in nope }}
"""
RAISES = r"""
{{ 'a' + nope }}
{{ 'a' + none }}
{{ 'a' + 1 }}
{{ nope.x.y }}
{{ 'a' in none }}
{{ none|length }}
{% for x in none %}{% endfor %}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ messages.append(1) }}
{{ messages[0].pop('role') }}
{% set q = messages.insert(0, 1) %}
"""


# Filters, methods and forms.
FORMS = r"""
{{ messages[0].content|upper }}{{ 'ÉA'|lower }}{{ 'straße'|upper }}
{{ messages[0].role|title }}{{ "foo-bar it's (x)"|title }}{{ "it's AB".title() }}
{{ messages[0].role|capitalize }}{{ 'éA B'.capitalize() }}{{ 'aB'.upper() }}
{{ 'aXbX'|replace('X', 'y') }}{{ 'aXbX'.replace('X', 'y', 1) }}
{{ 'ab'|replace('', '-') }}{{ 'aab'|replace('a', 'é', 1) }}
{{ '%s-%d'|format('x', 3) }}{{ '%s' % 'x' }}{{ '%s-%05.1f%%' % ('é', 2.25) }}
{{ '%(a)s'|format(a=1) }}{{ '%-4s|%4s' % ('é', 'b') }}{{ '%r' % 'x' }}
{{ '{}-{}'.format('x', 3) }}{{ '{1}{0}{{}}'.format(1, 2) }}{{ '{a}'.format(a=none) }}
{{ 'a b'.split(' ')|last }}{{ messages|first }}{{ []|first }}{{ 'éa'|first }}
{{ messages|map(attribute='role')|join(',') }}{{ 'abc'|join('-') }}
{{ messages|map(attribute='nope', default='-')|join }}
{{ ['a', 'b']|map('upper')|list }}{{ ['a']|map('replace', 'a', 'b')|first }}
{{ (messages|selectattr('role', 'equalto', 'user')|list)|length }}
{{ (messages|rejectattr('role', 'in', ['user'])|list)|length }}
{{ messages|selectattr('content')|list|length }}{{ [1, 2, 3]|select('odd')|list }}
{{ [0, 1, none]|select|list }}{{ [1, 2]|reject('eq', 1)|list }}
{{ (messages|reverse|list)[0].role }}{{ 'abé'|reverse }}
{{ messages[1:][0].role }}{{ messages[-1].role }}{{ messages[::-1][0].role }}
{{ 'né'.find('é') }}{{ 'abab'.rfind('b') }}{{ 'a'.find('x') }}{{ 'aba'.count('a') }}
{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ ' a  b '.split() }}
{{ ' a b  c '.split(none, 1) }}{{ ' a b  c '.rsplit(none, 1) }}
{{ 'a b'.split(' ', maxsplit=1)[1] }}{{ 'a\nb\n'.splitlines() }}
{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.endswith('bc') }}{{ ''.startswith('') }}
{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}{{ '12'.isdigit() }}
{{ '-'.join(['a', 'b']) }}{{ 'xax'|trim('x') }}{{ 'a b_c, d'|wordcount }}
{{ -3|abs }}{{ -3.5|abs }}{{ [1, 2]|sum }}{{ [1.5, 2]|sum(start=1) }}
{{ [{'n': 1}, {'n': 2}]|sum(attribute='n') }}{{ [3, 2]|min }}{{ 'bA'|max }}
{{ []|min }}{{ [{'n': 1}, {'n': 2}]|max(attribute='n') }}
{{ [3, 1, 2]|sort }}{{ ['b', 'A', 'c']|sort }}{{ ['b', 'A']|sort(true, true) }}
{{ [{'n': 2}, {'n': 1}]|sort(attribute='n', reverse=false) }}
{{ ['a', 'A', 'b']|unique|list }}{{ {'b': 1, 'A': 2}|dictsort }}
{{ {'b': 1, 'a': 2}|dictsort(false, 'value') }}{{ {'a': {'b': 7}}|map('upper')|list }}
{{ '3'|int + 1 }}{{ '3.7'|int }}{{ 'x'|int }}{{ 'x'|int(5) }}{{ 2.9|int }}
{{ '3.5'|float }}{{ 'x'|float }}{{ 3|string + 'a' }}{{ none|string }}
{{ 2.567|round(2) }}{{ 2.5|round }}{{ 3|round }}
{{ [1, 2, 3]|batch(2)|list }}{{ [1, 2, 3]|batch(2, 'x')|list }}
{{ 'a\nb\n\nc'|indent }}{{ 'a\nb'|indent(2, true) }}{{ 'a\nb'|indent('> ') }}
{{ '<a href="x">\'&'|e }}{{ 'é'|list }}{{ {'a': 1}|list }}{{ {'a': 1}|length }}
{{ {'é': 'ü'}|tojson(ensure_ascii=false) }}{{ {'é': '😀'}|tojson(ensure_ascii=true) }}
{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}
{% for k, v in messages[0]|items %}{{ k }}={{ v }};{% endfor %}
{% for (k, v) in {'a': 1}|dictsort %}{{ k }}{{ v }}{% endfor %}{{ {'a': 1}.values()|list }}
{{ messages[0].items()|list }}{{ messages[0].keys()|list }}
{{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 1 == 1.0 != 2 }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 'x' %}{{ c }}
{% raw %}{{ x }}{% if %}{% endraw %}|{%- raw -%}  a  {%- endraw -%} b
{% filter upper %}abc{{ 'd' }}{% endfilter %}{% filter trim|title %} ab {% endfilter %}
{{ 'a' + ' b '|trim + 'c' }}{{ 2 * [1, 2]|length }}{{ [1]|length * 2 }}
{{ 'a' ~ 1 + 2 ~ 'b' if false }}{{ 1 + 2 * 3 ** 2 }}{{ -2 ** 2 }}{{ 'a' ~ 2 * 3 }}
{{ 'x' is string and 'y' }}{{ not nope is defined }}{{ nope is not defined }}
{{ 4 is divisibleby 2 }}{{ 4 is divisibleby(3) }}{{ 1 is in [1] }}{{ 3 is odd }}
{{ 1 is eq 1 }}{{ 'a' is lower }}{{ 2 is not even }}{{ messages is not string }}
{{ 'a' 'b' "c" }}{{ [1, 2,] }}{{ {'a': 1,} }}{{ () }}{{ messages.0.role }}
{{ 'abc'[1] }}{{ 'a-b'.split('-')[1].upper() }}{{ (1, 2)[1] }}{{ dict(a=1) }}
{% if false %}a{% elif 1 %}b{% endif %}{{ 'a' if 0 else 'b' if 0 else 'c' }}
{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}
{% for m in messages %}{% if loop.last %}{% break %}{% endif %}{{ m.role }}{% endfor %}
{% set z %}abc{{ 1 + 1 }}{% endset %}{{ z|trim }}{% set t = namespace(a=1) %}{{ t.a }}
{% macro w(x) %}{% set y = x ~ '!' %}{{ y }}{% endmacro %}{{ w('a') }}{{ y }}
{% if foo is defined %}{{ foo() }}{% endif %}{{ bar|default('b') }}{{ messages|length }}
{{ {'b': 1, 'a': [1, {}]}|tojson(sort_keys=true, separators=(',', ':')) }}{{ [1, {'a': 2}]|tojson(indent=0) }}
{{ {1: 'a', none: 'b'}|tojson }}{{ dict({'a': 1}, b=2) }}{{ dict([('a', 1)]) }}{% set n = namespace({'q': 3}, r=4) %}{{ n.q + n.r }}
{{ none|selectattr('a')|list }}{{ none|map('upper')|list }}{{ [1, 2, 3]|slice(2)|list }}{{ [1, 2, 3]|slice(2, 'x')|list }}
{{ 'ab'|center(5) }}|{{ 'abc'.center(6, '-') }}|{{ 'ab'.center(5, '*') }}|{{ 'é'.ljust(3, '.') }}|{{ 'é'.rjust(3) }}|{{ '-7'.zfill(4) }}
{{ 'a=b=c'.partition('=') }}{{ 'a=b=c'.rpartition('=') }}{{ 'abc'.partition('x') }}{{ 'abc'.rpartition('x') }}{{ 'a b/é'|urlencode }}
{{ 'aé'.isalpha() }}{{ 'a1'.isalnum() }}{{ '½'.isnumeric() }}{{ '٣'.isdecimal() }}{{ 'AB1'.isupper() }}{{ 'ab '.islower() }}{{ '1'.islower() }}
{{ 'aBcÉ'.swapcase() }}{{ 'Straße'.casefold() }}{{ ''.isalpha() }}{{ [1, 2, 1].index(2) }}{{ [1, 2, 1].count(1) }}{{ [1].copy() }}
{{ none is sameas none }}{{ true is sameas true }}{{ 1 is sameas true }}{{ 'trim' is filter }}{{ 'nope' is test }}{{ messages[0].copy().role }}
{% with q = 5, r = 'x' %}{{ q }}{{ r }}{% endwith %}{{ q }}{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}
{% macro w(a) %}<{{ caller() }}{{ a }}>{% endmacro %}{% call w('é') %}in{{ 1 + 1 }}{% endcall %}
{% macro rows(xs) %}{% for x in xs %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(x, i) rows(['a', 'b']) %}{{ i }}{{ x }};{% endcall %}
{% generation %}{% set inner = 1 %}{{ inner }}{% endgeneration %}{{ inner }}|{{ messages|map(attribute='role')|unique|join }}
{%- set ns = namespace(found=false) -%}{% for m in messages %}{% if m.role == 'user' %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }}
"""

# Whole templates, where white space around tags counts.
WHOLE = [
    LOOP,
    "  {%- if true -%}  \n  x  \n  {%- endif %}\n\n  y",
    "a\n  {% if true %}\n  x\n  {% endif %}\n  {{ 'b' }}\n\n",
    "a\n  {%+ if true +%}\n  x\n  {#- c -#}  y {# d #}\n  {{- 'b' -}}  z{% endif %}",
    "a\n  {% raw %}\n  {{ b }}\n  {% endraw %}\n  c",
    "{% set sys = (messages[0].role == 'system' and messages[0].content) or "
    "'You are kind.' %}{{ '<|im_start|>system\n' + sys }}"
    "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}",
    "{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}"
    "<|im_end|>\n{% endfor %}",
    "{%- for message in messages %}\n    {%- set content = message.content %}\n"
    "    {%- if '</think>' in content %}\n        {%- set reasoning = "
    "((content.split('</think>')|first).rstrip('\\n').split('<think>')|last)"
    ".lstrip('\\n') %}\n        {%- set content = (content.split('</think>')"
    "|last).lstrip('\\n') %}\n    {%- endif %}\n    {{- '<|im_start|>' + "
    "message.role + '\\n' + content }}{{ reasoning }}\n    {{- '<|im_end|>\\n'"
    " }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- "
    "'<|im_start|>assistant\\n' }}\n{%- endif %}",
    "{% generation %}x{% endgeneration %}",
]

# What the error must name, and the place: jinja2 renders these, but for the
# last three.
REFUSED = [
    ("{% if false %}\n{{ [1]|groupby('a') }}{% endif %}",
     "no filter 'groupby' (row 2, column 8)"),
    ("é{{ 'x'|wordwrap }}", "no filter 'wordwrap' (row 1, column 9)"),
    ("{% if false %}{{ x is escaped }}{% endif %}",
     "no test 'escaped' (row 1, column 23)"),
    ("{{ []|map('pprint')|list }}", "no filter 'pprint' (row 1, column 7)"),
    ("{{ []|select('escaped')|list }}", "no test 'escaped' (row 1, column 7)"),
    ("{% if false %}{{ 'a'.encode() }}{% endif %}",
     "no method 'encode' (row 1, column 22)"),
    ("{% if false %}{{ lipsum() }}{% endif %}",
     "no function 'lipsum' (row 1, column 18)"),
    ("{% for x in [] recursive %}{{ loop(x) }}{% endfor %}",
     "no loop form 'recursive'"),
    ("{% if false %}{{ nofunction() }}{% endif %}",
     "no function 'nofunction' (row 1, column 18)"),
    ("{% set x = 1 %}\n{% do x %}", "no statement 'do' (row 2, column 4)"),
    ("{% autoescape true %}{% endautoescape %}",
     "no statement 'autoescape' (row 1, column 4)"),
]


def render(source, chat):
    return _compile_jinja_template(source).render(
        messages=CHATS[chat], tools=None, documents=None,
        add_generation_prompt=True, bos_token="<s>", eos_token="</s>")


def lines(text):
    return [line for line in text.split("\n") if line]


def cases():
    for chat in range(len(CHATS)):
        for source in lines(VALUES) + lines(FORMS) + WHOLE + lines(RAISES):
            yield source, chat


def case(source, chat):
    try:
        text = render(source, chat)
    except (jinja2.TemplateError, TypeError, ZeroDivisionError):
        text = None
    assert (text is None) == (source in lines(RAISES)), source
    return {"template": source, "chat": chat, "text": text}


def main(out_dir):
    for source, _ in REFUSED[:-3]:
        render(source, 0)
    path = os.path.join(out_dir, "chat_templates.json")
    made_by = {"script": "tests/golden/make_golden_templates.py",
               "transformers": version("transformers"),
               "jinja2": version("jinja2"), "seed": None}
    lists = {"chats": CHATS, "cases": [case(s, c) for s, c in cases()],
             "refused": [{"template": s, "names": n} for s, n in REFUSED]}
    with open(path, "w", encoding="ascii") as f:
        f.write('{"made_by":%s' % json.dumps(made_by))
        for name, items in lists.items():
            f.write(',\n"%s":[\n%s\n]' % (
                name, ",\n".join(json.dumps(x) for x in items)))
        f.write("\n}\n")
    print(path, os.path.getsize(path), len(lists["cases"]))


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--out", default=HERE)
    main(ap.parse_args().out)
