"""Conversations for the goldens of chat templates: what people's data hold.

CONVERSATIONS: {"messages": [...], "variables": {...} or None}. The first 22
have users and assistants in turn and nothing else, which every family writes;
the others have what some families refuse.
"""


def talk(*contents, system=None):
    messages = [
        {"role": "assistant" if i % 2 else "user", "content": c}
        for i, c in enumerate(contents)
    ]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return {"messages": messages, "variables": None}


PLAIN = [
    talk("Hi, who are you?", "A bot."),
    talk("one", "alpha 10", "two", "beta"),
    talk("one", "alpha", "two", "beta", "three", "gamma"),
    talk("trailing ", "answer ", "again  ", "yes \n"),
    talk(" leading", " answer", "\n\nagain", "\tyes"),
    talk("lines\n\nof\n- text\n", "```py\nprint('a')\n```\n"),
    talk("\u00e9t\u00e9?", "\u00e0 10 h \u2014 oui\u00a0!"),
    talk("\u6771\u4eac\u306f\uff1f", "\u3000\u5bd2\u3044\u3002\u3000"),
    talk("\u2028odd\u200b \U0001f600", "\U0001f1eb\U0001f1f7 ok\u0085"),
    talk("q", ""),
    talk("", "an answer to nothing"),
    talk("a", "", "b", "c"),
    talk("quotes ' \" `", "back\\slash \\n {{ x }} {% if %} {# c #}"),
    talk("<|im_end|> [INST] </s> <eos>", "<|eot_id|> <end_of_turn>"),
    talk("Think.", "<think>\nHm.\n</think>\n\nYes."),
    talk("Think.", "<think>a</think>b", "Again.", "<think>\nc\n</think>\n\nd"),
    talk("No thought.", "<think>\n\n</think>\n\nYes.", "And?", "No."),
    talk("1 < 2 & 3 > 2", "&amp; &lt;b&gt;"),
    talk("/no_think short", "ok", "/think long", "okay"),
    talk("Only the question", "x" * 200, "and " * 30, "y"),
    talk("a\r\nb", "c\rd"),
    talk("the end", "of\n\n\n", "it\n\n\n", "all\n\n\n"),
]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather at a place.",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "e.g. \u00c9vry"},
                    "days": {"type": "integer", "default": 1},
                    "unit": {"type": "string", "enum": ["C", "F"]},
                },
                "required": ["place"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "now",
            "description": "",
            "parameters": {"type": "object", "properties": {}},
        },
    },
]


def call(name, arguments, number="a1b2c3d4e"):
    return {
        "id": number,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


USER = {"role": "user", "content": "Is it warm in \u00c9vry?"}
CALLS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [call("weather", {"place": "\u00c9vry", "days": 2})],
}
RESULT = {
    "role": "tool",
    "name": "weather",
    "tool_call_id": "a1b2c3d4e",
    "content": '{"t": 21.5}',
}
ANSWER = {"role": "assistant", "content": "Yes, 21.5 \u00b0C."}
PARTS = [{"type": "text", "text": "two "}, {"type": "text", "text": "parts"}]


def tool_talk(*messages, tools=TOOLS, **variables):
    return {
        "messages": list(messages),
        "variables": {"tools": tools, **variables} if tools else variables,
    }


SPECIAL = [
    talk("Hi", "Ho", system="Be brief."),
    talk("Hi", "Ho", "So", "No", system=" Be brief. \n"),
    talk("Hi", "Ho", system=""),
    talk("Hi", "<think>\nx\n</think>\n\nHo", system="/no_think Be kind."),
    {
        "messages": [
            {"role": "user", "content": PARTS},
            {"role": "assistant", "content": PARTS[:1]},
        ],
        "variables": None,
    },
    {
        "messages": [
            {"role": "system", "content": PARTS},
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "y"},
        ],
        "variables": None,
    },
    {
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": "y", "reasoning_content": "why \n"},
            {"role": "user", "content": "x2"},
            {"role": "assistant", "content": "y2", "thinking": "because"},
        ],
        "variables": None,
    },
    tool_talk(USER, CALLS, RESULT, ANSWER),
    tool_talk({"role": "system", "content": "S."}, USER, CALLS, RESULT, ANSWER),
    tool_talk(USER, CALLS, RESULT, ANSWER, tools=None),
    tool_talk(
        USER,
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                call("weather", {"place": "\u00c9vry", "unit": "C"}, "a1b2c3d4e"),
                call("now", {}, "b1b2c3d4e"),
            ],
        },
        RESULT,
        {**RESULT, "name": "now", "tool_call_id": "b1b2c3d4e", "content": "12:00"},
        ANSWER,
        {"role": "user", "content": "Thanks"},
        {"role": "assistant", "content": "Bye"},
    ),
    tool_talk(USER, {**CALLS, "content": ""}),
    {
        "messages": talk("Think not.", "Yes.")["messages"],
        "variables": {"enable_thinking": False},
    },
    {
        "messages": talk("Who?", "You.")["messages"],
        "variables": {"documents": [{"title": "T", "text": "You.", "doc_id": 1}]},
    },
]

CONVERSATIONS = PLAIN + SPECIAL
