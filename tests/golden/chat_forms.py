"""Chat templates of our own writing, each with what its family's has.

FORMS: name -> (bos, eos, template). None is any model's own text; markers are
short, so that goldens stay small.
"""

LLAMA2 = """\
{% if messages[0]['role'] == 'system' %}
  {% set intro = '<<S>>' + messages[0]['content'] | trim + '<</S>>' %}
  {% set talk = messages[1:] %}
{% else %}
  {% set intro = '' %}
  {% set talk = messages %}
{% endif %}
{% for m in talk %}
  {% if (m.role == 'user') != (loop.index0 % 2 == 0) %}
    {{ raise_exception('users and assistants take turns') }}
  {% endif %}
  {% set text = intro + m.content if loop.first else m.content %}
  {% if m.role == 'user' %}
    {{ bos_token + '[I] ' + text | trim + ' [/I]' }}
  {% else %}
    {{ ' ' + text | trim + ' ' + eos_token }}
  {% endif %}
{% endfor %}"""

LLAMA3 = """\
{%- for m in messages -%}
  {%- set text = '[' + m['role'] + ']\\n\\n' + m['content'] | trim + '</t>' -%}
  {%- if loop.index0 == 0 -%}{%- set text = bos_token + text -%}{%- endif -%}
  {{- text -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '[assistant]\\n\\n' -}}{%- endif -%}"""

LLAMA31 = """\
{{- bos_token }}
{%- if date_string is not defined %}
  {%- if strftime_now is defined %}
    {%- set date_string = strftime_now("%d %b %Y") %}
  {%- else %}
    {%- set date_string = "1 Jan 2024" %}
  {%- endif %}
{%- endif %}
{%- if tools is not defined %}{%- set tools = none %}{%- endif %}
{%- set intro = "" %}
{%- if messages[0].role == 'system' %}
  {%- set intro = messages[0]['content'] | trim %}
  {%- set messages = messages[1:] %}
{%- endif %}
{{- "[system]\\n" + ("Tools: yes\\n" if tools is not none else "") }}
{{- "Date: " + date_string + "\\n" + intro + "</t>" }}
{%- if tools is not none %}
  {{- "[user]\\n" -}}
  {%- for tool in tools %}{{- tool | tojson(indent=4) + "\\n" }}{%- endfor %}
  {{- messages[0]['content'] | trim + "</t>" }}
  {%- set messages = messages[1:] %}
{%- endif %}
{%- for m in messages %}
  {%- if not (m.role in ['tool', 'ipython'] or 'tool_calls' in m) %}
    {{- '[' + m.role + ']\\n' + m['content'] | trim + '</t>' }}
  {%- elif 'tool_calls' in m %}
    {%- if not m.tool_calls | length == 1 %}
      {{- raise_exception("one call at a time") }}
    {%- endif %}
    {%- set call = m.tool_calls[0].function %}
    {{- '[assistant]\\n{"name": "' + call.name + '", "parameters": ' }}
    {{- call.arguments | tojson }}{{- "}</t>" }}
  {%- else %}
    {{- "[tool]\\n" }}
    {%- if m.content is mapping or m.content is iterable %}
      {{- m.content | tojson }}
    {%- else %}{{- m.content }}{%- endif %}
    {{- "</t>" }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- "[assistant]\\n" }}{%- endif %}
"""

MISTRAL1 = """\
{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != \
(loop.index0 % 2 == 0) %}{{ raise_exception('turns!') }}{% endif %}\
{% if m['role'] == 'user' %}{{ '[I] ' + m['content'] + ' [/I]' }}\
{% elif m['role'] == 'assistant' %}{{ m['content'] + eos_token }}\
{% else %}{{ raise_exception('roles!') }}{% endif %}{% endfor %}"""

# The system turn and the tools stand in the last user's.
MISTRAL3 = """\
{%- if messages[0]["role"] == "system" %}
  {%- set intro = messages[0]["content"] %}{%- set talk = messages[1:] %}
{%- else %}{%- set talk = messages %}{%- endif %}
{%- set users = talk | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}{%- set ns.index = 0 %}
{%- for m in talk %}
  {%- if not (m.role == "tool" or m.get("tool_calls")) %}
    {%- if (m["role"] == "user") != (ns.index % 2 == 0) %}
      {{- raise_exception("turns!") }}
    {%- endif %}
    {%- set ns.index = ns.index + 1 %}
  {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for m in talk %}
  {%- if m["role"] == "user" %}
    {%- if tools and m == users[-1] %}
      {{- "[T] [" }}
      {%- for tool in tools %}
        {%- set tool = tool.function %}{{- '{"function": {' }}
        {%- for key, val in tool.items() if key != "return" %}
          {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}
          {%- else %}{{- '"' + key + '": ' + val | tojson }}{%- endif %}
          {{- ", " if not loop.last }}
        {%- endfor %}
        {{- "}}" + ("]" if loop.last else ", ") }}
      {%- endfor %}{{- "[/T]" }}
    {%- endif %}
    {%- if loop.last and intro is defined %}
      {{- "[I] " + intro + "\\n\\n" + m["content"] + "[/I]" }}
    {%- else %}{{- "[I] " + m["content"] + "[/I]" }}{%- endif %}
  {%- elif m.tool_calls is defined and m.tool_calls is not none %}
    {{- "[C] [" }}
    {%- for call in m.tool_calls %}
      {%- set out = call.function | tojson %}{{- out[:-1] }}
      {%- if call.id is not defined or call.id | length != 9 %}
        {{- raise_exception("ids of nine letters") }}
      {%- endif %}
      {{- ', "id": "' + call.id + '"}' + (", " if not loop.last else "]") }}
    {%- endfor %}{{- eos_token }}
  {%- elif m["role"] == "assistant" %}{{- " " + m["content"] + eos_token }}
  {%- elif m["role"] == "tool" %}
    {{- '[R] {"content": ' + m.content | string + ', "id": "' }}
    {{- m.tool_call_id + '"}[/R]' }}
  {%- else %}{{- raise_exception("roles!") }}{%- endif %}
{%- endfor %}
"""

MISTRAL_TEKKEN = MISTRAL3.replace('" " + m["content"]', 'm["content"]')
MISTRAL_TEKKEN = MISTRAL_TEKKEN.replace('"[I] "', '"[I]"').replace("[T] ", "[T]")

QWEN2 = """\
{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
{{ '<s>system\\nBe good<e>\\n' }}{% endif %}\
{{'<s>' + m['role'] + '\\n' + m['content'] + '<e>' + '\\n'}}{% endfor %}\
{% if add_generation_prompt %}{{ '<s>assistant\\n' }}{% endif %}"""

QWEN25 = """\
{%- set intro = messages[0]['content'] if messages[0]['role'] == 'system' \
else 'Be good.' %}
{{- '<s>system\\n' + intro }}
{%- if tools %}
  {{- "\\n\\n# Tools\\n<tools>" }}
  {%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
  {{- "\\n</tools>\\n{\\"name\\": <name>}" }}
{%- endif %}
{{- '<e>\\n' }}
{%- for m in messages %}
  {%- if m.role == "user" or (m.role == "system" and not loop.first) or \
(m.role == "assistant" and not m.tool_calls) %}
    {{- '<s>' + m.role + '\\n' + m.content + '<e>' + '\\n' }}
  {%- elif m.role == "assistant" %}
    {{- '<s>' + m.role }}
    {%- if m.content %}{{- '\\n' + m.content }}{%- endif %}
    {%- for call in m.tool_calls %}
      {%- if call.function is defined %}{%- set call = call.function %}{%- endif %}
      {{- '\\n<call>\\n{"name": "' }}{{- call.name }}{{- '", "arguments": ' }}
      {{- call.arguments | tojson }}{{- '}\\n</call>' }}
    {%- endfor %}
    {{- '<e>\\n' }}
  {%- elif m.role == "tool" %}
    {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != "tool" %}
      {{- '<s>user' }}
    {%- endif %}
    {{- '\\n<out>\\n' }}{{- m.content }}{{- '\\n</out>' }}
    {%- if loop.last or messages[loop.index0 + 1].role != "tool" %}
      {{- '<e>\\n' }}
    {%- endif %}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<s>assistant\\n' }}{%- endif %}
"""

# Thoughts stay with what follows the last question, and nowhere else.
QWEN3 = """\
{%- set ns = namespace(searching=true, last=messages | length - 1) %}
{%- for m in messages[::-1] %}
  {%- set index = (messages | length - 1) - loop.index0 %}
  {%- if ns.searching and m.role == "user" and m.content is string and not \
(m.content.startswith('<out>') and m.content.endswith('</out>')) %}
    {%- set ns.searching = false %}{%- set ns.last = index %}
  {%- endif %}
{%- endfor %}
{%- for m in messages %}
  {%- set content = m.content if m.content is string else '' %}
  {%- if m.role == "user" or m.role == "system" %}
    {{- '<s>' + m.role + '\\n' + content + '<e>\\n' }}
  {%- elif m.role == "assistant" %}
    {%- set thought = '' %}
    {%- if m.reasoning_content is string %}
      {%- set thought = m.reasoning_content %}
    {%- elif '</think>' in content %}
      {%- set thought = content.split('</think>')[0].rstrip('\\n')\
.split('<think>')[-1].lstrip('\\n') %}
      {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<s>assistant\\n' }}
    {%- if loop.index0 > ns.last and (loop.last or thought) %}
      {{- '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' }}
      {{- content.lstrip('\\n') }}
    {%- else %}{{- content }}{%- endif %}
    {%- for call in m.tool_calls or [] %}
      {{- '\\n<call>' if loop.first and content or not loop.first else '<call>' }}
      {{- call.function.arguments if call.function.arguments is string else \
call.function.arguments | tojson }}{{- '</call>' }}
    {%- endfor %}
    {{- '<e>\\n' }}
  {%- elif m.role == "tool" %}
    {{- '<s>user' if loop.first or loop.previtem.role != "tool" }}
    {{- '\\n<out>\\n' + content + '\\n</out>' }}
    {{- '<e>\\n' if loop.last or loop.nextitem.role != "tool" }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<s>assistant\\n' }}
  {%- if enable_thinking is defined and enable_thinking is false %}
    {{- '<think>\\n\\n</think>\\n\\n' }}
  {%- endif %}
{%- endif %}"""

GEMMA = """\
{{ bos_token }}{% if messages[0]['role'] == 'system' %}\
{{ raise_exception('no system turn') }}{% endif %}{% for m in messages %}\
{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('turns!') }}{% endif %}\
{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}\
{{ '<t>' + role + '\\n' + m['content'] | trim + '</t>\\n' }}{% endfor %}\
{% if add_generation_prompt %}{{'<t>model\\n'}}{% endif %}"""

GEMMA3 = """\
{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
  {%- if messages[0]['content'] is string -%}
    {%- set intro = messages[0]['content'] + '\\n\\n' -%}
  {%- else -%}
    {%- set intro = messages[0]['content'][0]['text'] + '\\n\\n' -%}
  {%- endif -%}
  {%- set talk = messages[1:] -%}
{%- else -%}
  {%- set intro = "" -%}{%- set talk = messages -%}
{%- endif -%}
{%- for m in talk -%}
  {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}
    {{ raise_exception("turns!") }}
  {%- endif -%}
  {{ '<t>' + ('model' if m['role'] == 'assistant' else m['role']) + '\\n' + \
(intro if loop.first else "") }}
  {%- if m['content'] is string -%}
    {{ m['content'] | trim }}
  {%- elif m['content'] is iterable -%}
    {%- for item in m['content'] -%}
      {%- if item['type'] == 'image' -%}{{ '<i>' }}
      {%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}
      {%- endif -%}
    {%- endfor -%}
  {%- else -%}{{ raise_exception("content!") }}{%- endif -%}
  {{ '</t>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<t>model\\n' }}{%- endif -%}"""

PHI3 = """\
{% for m in messages %}{% if m['role'] == 'system' and m['content'] %}\
{{'<|s|>\\n' + m['content'] + '</t>\\n'}}{% elif m['role'] == 'user' %}\
{{'<|u|>\\n' + m['content'] + '</t>\\n'}}{% elif m['role'] == 'assistant' %}\
{{'<|a|>\\n' + m['content'] + '</t>\\n'}}{% endif %}{% endfor %}\
{% if add_generation_prompt %}{{ '<|a|>\\n' }}{% else %}{{ eos_token }}{% endif %}"""

# Says itself what the assistant wrote, and takes its mode from the system turn.
SMOLLM3 = """\
{# modes #}
{%- if enable_thinking is not defined -%}
{%- set enable_thinking = true -%}
{%- endif -%}
{%- set mode = "/think" if enable_thinking else "/no_think" -%}
{{- "<s>system\\n" -}}
{%- if messages[0].role == "system" -%}
  {%- set intro = messages[0].content -%}
  {%- if "/no_think" in intro -%}{%- set mode = "/no_think" -%}{%- endif -%}
  {%- set wishes = intro.replace("/no_think", "").replace("/think", "").rstrip() -%}
{%- endif -%}
{%- if "/override" in intro -%}{{- wishes -}}{%- else -%}
  {%- set today = strftime_now("%d %B %Y") -%}
  {{- "Date: " ~ today ~ "\\nMode: " + mode + "\\n\\n" -}}
  {%- if wishes -%}{{- wishes + "\\n\\n" -}}{%- else -%}{{- "Think.\\n" -}}{%- endif -%}
  {%- if tools -%}
    {%- set ns = namespace(text="<tools>\\n") -%}
    {%- for tool in tools[:] -%} {# a list #}
      {%- set ns.text = ns.text ~ (tool | string) ~ "\\n" -%}
    {%- endfor -%}
    {{- ns.text + "</tools>" -}}
  {%- endif -%}
{%- endif -%}
{{- "<e>\\n" -}}
{%- for m in messages -%}
  {%- set content = m.content if m.content is string else "" -%}
  {%- if m.role == "user" -%}
    {{ "<s>" + m.role + "\\n" + content + "<e>\\n" }}
  {%- elif m.role == "assistant" -%}
    {% generation %}
    {%- if mode == "/think" -%}
      {{ "<s>assistant\\n" + content.lstrip("\\n") + "<e>\\n" }}
    {%- else -%}
      {{ "<s>assistant\\n<think>\\n\\n</think>\\n" + content.lstrip("\\n") + "<e>\\n" }}
    {%- endif -%}
    {% endgeneration %}
  {%- elif m.role == "tool" -%}{{ "<s>user\\n" + content + "<e>\\n" }}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ "<s>assistant\\n" + ("" if mode == "/think" else "<think>\\n\\n</think>\\n") }}
{%- endif -%}"""

OLMO2 = """\
{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}\
{{ '<|s|>\\n' + m['content'] + '\\n' }}{% elif m['role'] == 'user' %}\
{{ '<|u|>\\n' + m['content'] + '\\n' }}{% elif m['role'] == 'assistant' %}\
{% if not loop.last %}{{ '<|a|>\\n'  + m['content'] + eos_token + '\\n' }}\
{% else %}{{ '<|a|>\\n'  + m['content'] + eos_token }}{% endif %}{% endif %}\
{% if loop.last and add_generation_prompt %}{{ '<|a|>\\n' }}{% endif %}\
{% endfor %}"""

GRANITE3 = """\
{%- if messages[0]['role'] == 'system' %}
  {%- set intro = messages[0]['content'] %}{%- set talk = messages[1:] %}
{%- else %}
  {%- set intro = "Date: " + strftime_now('%B %d, %Y') + ".\\nBe good." %}
  {%- if tools and documents %}{%- set intro = intro + " Both." %}
  {%- elif tools %}{%- set intro = intro + " Call tools." %}
  {%- elif documents %}{%- set intro = intro + " Read." %}{%- endif %}
  {%- if 'citations' in controls and documents %}
    {%- set intro = intro + '\\nCite.' %}
  {%- endif %}
  {%- set talk = messages %}
{%- endif %}
{{- '<r>system</r>' + intro + '</t>\\n' }}
{%- if tools %}{{- '<r>tools</r>' }}{{- tools | tojson(indent=4) }}
  {{- '</t>\\n' }}
{%- endif %}
{%- if documents %}
  {%- for document in documents %}
    {{- '<r>document {"id": "' + document['doc_id'] | string + '"}</r>\\n' }}
    {{- document['text'] }}{{- '</t>\\n' }}
  {%- endfor %}
{%- endif %}
{%- for m in talk %}
  {{- '<r>' + m['role'] + '</r>' + m['content'] + '</t>\\n' }}
  {%- if loop.last and add_generation_prompt %}{{- '<r>assistant' }}
    {%- if controls %}{{- ' ' + controls | tojson() }}{%- endif %}
    {{- '</r>' }}
  {%- endif %}
{%- endfor %}"""

ZEPHYR = """\
{% for m in messages %}
{% if m['role'] == 'user' %}
{{ '<|u|>\\n' + m['content'] + eos_token }}
{% elif m['role'] == 'system' %}
{{ '<|s|>\\n' + m['content'] + eos_token }}
{% elif m['role'] == 'assistant' %}
{{ '<|a|>\\n'  + m['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|a|>' }}
{% endif %}
{% endfor %}"""

CHATML = """\
{% if not add_generation_prompt is defined %}\
{% set add_generation_prompt = false %}{% endif %}{% for m in messages %}\
{{'<s>' + m['role'] + '\\n' + m['content'] + '<e>' + '\\n'}}{% endfor %}\
{% if add_generation_prompt %}{{ '<s>assistant\\n' }}{% endif %}"""

VICUNA = """\
{% if messages[0]['role'] == 'system' %}{% set talk = messages[1:] %}\
{% set intro = messages[0]['content'].strip() + ' ' %}{% else %}\
{% set talk = messages %}{% set intro = 'A talk. ' %}{% endif %}\
{{ intro }}{% for m in talk %}{% if m.role == 'user' %}\
{{ 'USER: ' ~ m.content.strip() ~ ' ' }}{% else %}\
{{ 'ASSISTANT: ' ~ m.content.strip() ~ eos_token }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"""

ALPACA = """\
{{ bos_token }}{% for m in messages %}
{% if m['role'] == 'system' and m['content'] %}
{{ m['content'] }}


{% elif m['role'] == 'user' %}
### Instruction:
{{ m['content'] }}


{% elif m['role'] == 'assistant' %}
### Response:
{{ m['content'] }}{{ eos_token }}


{% endif %}
{% endfor %}
{% if add_generation_prompt and messages[-1]['role'] != 'assistant' %}
### Response:
{% endif %}"""

FORMS = {
    "Llama 2": ("<bos>", "<eos>", LLAMA2),
    "Llama 3": ("<bos>", "</t>", LLAMA3),
    "Llama 3.1": ("<bos>", "</t>", LLAMA31),
    "Mistral v1": ("<bos>", "<eos>", MISTRAL1),
    "Mistral v3": ("<bos>", "<eos>", MISTRAL3),
    "Mistral v3 tekken": ("<bos>", "<eos>", MISTRAL_TEKKEN),
    "Qwen 2": ("", "<e>", QWEN2),
    "Qwen 2.5": ("", "<e>", QWEN25),
    "Qwen 3": ("", "<e>", QWEN3),
    "Gemma": ("<bos>", "<eos>", GEMMA),
    "Gemma 3": ("<bos>", "<eos>", GEMMA3),
    "Phi 3": ("<bos>", "<eos>", PHI3),
    "SmolLM3": ("", "<e>", SMOLLM3),
    "OLMo 2": ("<eos>", "<eos>", OLMO2),
    "Granite 3": ("</t>", "</t>", GRANITE3),
    "Zephyr": ("<bos>", "<eos>", ZEPHYR),
    "ChatML": ("", "<e>", CHATML),
    "Vicuna": ("<bos>", "<eos>", VICUNA),
    "Alpaca": ("<bos>", "<eos>", ALPACA),
}
