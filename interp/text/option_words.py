"""How completions name, announce, affirm and deny an option: the patterns by which `chosen_option` reads them."""

import re

OPEN = re.compile(r"(?:[\s*_`'\"“„‘»›(\[{$（【「〈《]|<\w+>|\\[(\[]|\\(?:f?boxed|text|textbf|mathrm|mathbf)\b)*")
_THEREFORE = r"(?:therefore|thus|clearly|probably|likely|most\ likely|definitely|indeed|actually|really|in\ fact)"
ANNOUNCED = re.compile(
    rf"""
    (?: \b (?:answer|choice|option|response) \b [\s*_]*
        (?: (?:to|for) \s+ (?:this|the) \s+ question \s+ )?
        (?: \b(?:is|was|would\ be|should\ be|must\ be)\b [\s*_]* [:：]? | [:：=] )
      | \b (?:choose|chose|pick|picked|select|selected|go\ with|going\ with|opt\ for) \b
      | \b (?:antwort|respuesta|r[ée]ponse|resposta|risposta|ответ) \b (?:\s+[^\W\d_]+){{0,2}}? [\s*_]*
        (?: \b(?:ist|lautet|es|est|é|è)\b [\s*_]* [:：]? | [:：=] )
      | <answer> | (?:答案|正解|答え) (?:应该|應該)? (?:是|为|為|选|選|は)? \s* [:：]?
      | (?:故|应|應|所以|因此|应该|我|(?<![不没沒]))[选選]择?
      | (?:정답|답)[은는이]? \s* [:：]?
      | \\f?boxed\b | (?:^|\n) [ \t]* \#{{4,}} (?=[^\n]*\s*\Z)
    )
    \s* (?: {_THEREFORE} \b ,? \s* )?
    (?: (?:the\s+)? (?:correct\s+)? (?:option|choice|letter|answer) \b [\s:]* )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""The answer is said to follow. A box and the last line's `####` say so too."""
TAGGED = re.compile(r"<answer>|\\f?boxed\b|\bfinal\s+answer\b[\s*_]*(?:is\b|[:：])[\s*_]*", re.IGNORECASE)
"""Of these, those that do not belong to a next question, however far they are from the first letter."""
CONCLUDED = re.compile(
    rf"""
    (?: \b (?:so|thus|therefore|hence) \b ,? | \b it (?: ['’]s | \s+ (?:is|was|must\ be|has\ to\ be|should\ be) ) \b
      | \b leaves (?:\ us\ with)? \b )
    \s* (?: {_THEREFORE} \b ,? \s* )? (?: (?:the\s+)? (?:correct\s+)? (?:option|choice|letter|answer) \b \s* )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What may be said of an option on the way, too: asked where nothing is announced."""
AFFIRMED = re.compile(
    r"""
    ["'”’)\].*_]* \s*
    (?: (?:is|was|would\ be|must\ be) \s+ (?:clearly\s+|indeed\s+|therefore\s+)? (?:(?:the|my)\s+)?
          (?:correct|right|best|true|answer|choice|final\ answer)\b
      | [:–—(-] \s* (?:correct|right|true|yes)\b | \. \s+ correct\b | [✅✓✔]
      | (?:选?项)? (?:是|为)? 正确 | [이가] \s* (?:정답|답|맞) | が (?:正解|答え|正しい) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
BECAUSE = re.compile(r",?\s+(?:because|since|over|rather\s+than|instead\s+of)\b", re.IGNORECASE)
DENIED_BEFORE = re.compile(
    r"""
    (?: \b (?:not|never|cannot|neither|nor|than|instead\ of|unlike|except|over|hardly|scarcely
          |eliminat\w+|exclud\w+|reject\w*|rul(?:e|es|ed|ing)\ out) | n['’]t )
    (?: \s+ (?:think|believe|say|choose|pick|select|go\ with|be
          |it['’]s|it\ is|it\ was|that|the|an?|option|choice|answer|letter|is) )*
    \s+ [(\[*"'“‘]* \Z
    | (?:不是|并非|並非|不选|不選|而非|排除|不|非|未) \s* \Z
    """,
    re.IGNORECASE | re.VERBOSE,
)
_WAIT = r"(?:wait|no|hmm|actually) \b"
DENIED_AFTER = re.compile(
    rf"""
    ["'”’)\].*_]*
    (?: \s* (?: (?:is|are|was|were|would\ be|can|could|does|do|did|seems|looks) (?: n['’]t\b | not\b
          | \s+ (?:\w+ly\s+)? (?:not|never|no|wrong|incorrect|false|out|impossible|eliminated|excluded|ruled\ out)\b )
      | cannot\b | can['’]t\b | \. \s+ (?:incorrect|wrong)\b
      | [:–—(-] \s* (?:no|wrong|incorrect|false|not\ (?:correct|right|true|the))\b
      | (?:\?|\.\.|…) \s* {_WAIT} (?!\s+doubt) | [❌✗✘]
      | (?:选?项)? (?:是|为)? (?:错|不正确|不对|不是) | (?:選?項)? (?:是|為)? (?:錯|不正確|不對)
      | では?な | じゃな | [이가은는] \s* 아[니닙] )
      | \s+ \.{{3,}} \s* {_WAIT} (?!\s+doubt)
      | (?: \s* \. )? \s+ {_WAIT} [\s,]* (?:(?:that|this|it|I)\b[^.\n]{{0,16}})?
          \b (?:wrong|incorrect|not\ right)\b )
    """,
    re.IGNORECASE | re.VERBOSE,
)
SUPPOSED = re.compile(
    r"""
    \b (?: if | suppose | supposing | assum\w+ | unless | whether | although | though
      | (?:many|some|most|people|others) \b [^.,;\n]* \b (?:think|believe|say|assume|guess|answer|choose|pick)
      | (?:you|one|we) \s+ (?:might|may|could) \b [^.,;\n]* \b (?:think|guess|assume|choose|pick|expect|say)
      | (?:wrong|false|incorrect|untrue) \s+ (?:to\ \w+|that)
    ) \b [^.,;\n]* \Z
    """,
    re.IGNORECASE | re.VERBOSE,
)
IF = re.compile(r"\b(?:if|had|were)\b[^.;\n]*\bwould\b[^.,;\n]*\Z", re.IGNORECASE)
MARKED = re.compile(
    r"""
    (?: \( | \[ | \{ | （ | 【 | \*\* | __ | ` | (?:^|\n)[ \t]* | \b(?:option|choice|answer|letter)\s+[(*"'“]* )
    (?P<letter>[A-Z]) (?![A-Za-z0-9])
    """,
    re.VERBOSE | re.IGNORECASE,
)
BARE = re.compile(r"(?<![A-Za-z0-9])(?P<letter>[A-Z])(?![A-Za-z0-9])")
_ASIAN = r"\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af"
CLOSED = re.compile(rf"\s*(?:[)\]}}）】」〉》«‹$]|\\[)\]])|</|[*_`'\"”’]+(?!\w)|(?=[{_ASIAN}])")
ENDED = re.compile(
    r"(?:\.+|[:;,!?…。．：；，、！？])(?=$|[\s)\]}>*_`'\"”’）】」$])|[;,](?=\w{2,}[=:])|\s+[-–—]+\s|\s*(?:$|\n|<[|/])|[。．：；，、！？]"
)
INSIDE = re.compile(rf"[^\W_{_ASIAN}]['’-]?\Z")
"""Before a letter: a word of which it is a part (not in Chinese, Japanese or Korean)."""
LISTED = re.compile(
    r"\b[A-Z][)\]*]*\s*(?:(?P<comma>,)|[、/&]|(?:,\s*)?\b(?:and|or|nor)\b)\s*(?:(?:option|choice)\s+)?[(\[*]*\Z"
)
"""Before a letter: another one of a list. After a comma it may also be a new clause: "of B and D, B is correct"."""
MORE = re.compile(
    r"[)\]*]*\s*(?:[,、]|/|&|\b(?:and|or|nor)\b)\s*(?:\b(?:and|or)\b\s*)?(?:(?:option|choice)\s+)?[(\[*]*(?P<letter>[A-Z])"
    r"(?![\w'’])(?!\s+[a-z])"
)
NAMED_BEFORE = re.compile(r"\b(?:option|choice|letter|answer|is)[\s:]+[(*]*\Z", re.IGNORECASE)
ITEM = re.compile(
    r"(?:(?:^|[.;；。!?])[\s*_(\[（#-]*|\n(?:[^\S\n]|[*_(\[（#-])*)(?P<letter>[AB])(?=[.):：）\]*、．\s选項项])"
)
GAP = re.compile(r"[\s.:)\]*_–—-]*")
ARTICLE = re.compile(r"(?:the|an?)\s+", re.IGNORECASE)
ARTICLES = "AI"
"""Letters that are words too."""
OR = re.compile(r"\s*(?:(?:,\s*)?\b(?:or|and)\b|/)\s*", re.IGNORECASE)
NO_NOUN = re.compile(
    r"\s+(?!(?:it|he|she|they|we|you|i|this|that|these|those|there|because|since"
    r"|as|but|the|and|or|so|from|for|in|on|to|if)\b)\w"
)
"""After "no": the noun of "no idea", so that nothing is answered by it."""
NEXT_QUESTION = re.compile(
    r"(?<!\s)[^\S\n]*(?P<end>\n)\s*(?:question|q)\s*(?:\d+\s*)?[:：]",  # at the first of its line breaks
    re.IGNORECASE,
)
