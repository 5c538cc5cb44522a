"""Where a completion takes back the answer it gave: "Sorry, I meant B", "No wait, 18", "Correction: B"."""

import re

_MISTAKE = (
    r"(?:that|this|it)(?:['’]s|\ is|\ was)\ (?:all\ )?(?:wrong|incorrect|not\ (?:right|correct)|a\ mistake)"
    r"|I\ (?:made\ an?\ (?:\w+\ )?(?:mistake|error)|was\ wrong|misspoke|miscounted|misread)|scratch\ that"
).replace(r"\ ", "[ ]")

_BEGIN = (
    r"(?: (?: (?<=[.,;:!?…。，；！？)\]}>*_\"'”’$—–-]) | (?<=[—–-][ ]) | (?<=[.,;!?…)\]}*_$][ ]) | \A )\s*"
    r"  | (?<=\n)[^\S\n]* )"
)

CORRECTED = re.compile(
    rf"""
    {_BEGIN}
    (?:
        (?: \b(?: (?:I['’]m[ ]|so[ ])?sorry | apologies | my[ ](?:mistake|bad|apologies) | oops | whoops | correction
            | correcting[ ]myself | edit | hold[ ]on | wait | h+m+
            | no(?=[,;:!…—–-]|[.]{{2,}}|[ ]+(?:wait|sorry|it|I|the)\b)
            | actually | (?:or[ ])?rather | on[ ](?:second|further)[ ]thoughts?(?![ ]about) | on[ ]reflection
            | in[ ]fact | let[ ]me[ ]correct[ ](?:that|myself|this) | {_MISTAKE} | I[ ]mean | I[ ]meant
            | entschuldigung | korrektur | nein(?=[,—–-]) | moment | ich[ ](?:meine|meinte) | perd[óo]n | correcci[óo]n
            | pardon | désolé | correção | desculpe | scusa | correzione | извините | исправление )\b
          | 不对 | 不對 | 错了 | 更正 | 纠正 | 等等 | 抱歉 | 对不起
          | 訂正 | すみません | 間違えました | 아니요? | 정정 | 죄송합니다
        ) [*_]* (?: \s*[,.;:!?…—–，。：！、-]+ )* \s*
    )+
    (?: (?:but|so|and)[ ] )?
    (?: I[ ](?:think|believe|meant?|choose|would[ ]say|should[ ]say)[ ](?:that[ ]|to[ ]say[ ]|to[ ]write[ ])? )?
    (?: (?:it|that|this|(?:the|my)[ ](?:(?:correct|right|final|actual)[ ])?(?:answer|option|choice|result|number))
        (?: ['’]s | [ ](?:is|was|should[ ]be|must[ ]be|should[ ]have[ ]been) ) [ ]* (?:actually|really|just)?
      | 应该是 | 應該是 | 答案是 | 是 )? [:：]?
    \s*
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What stands before another answer; only an answer that follows directly makes it a correction."""

TAKEN_BACK = re.compile(
    rf"(?:(?:^|[.!?…])\s*|\n[^\S\n]*)(?:\b(?:wait|no|h+m+|oops|sorry|but|actually)\b\W+)*"
    rf"(?:{_MISTAKE}"
    r"|let[ ]me[ ](?:re-?(?:comput|calculat|do|count|consider|start)\w*|try[ ]again|start[ ]over|correct))\b",
    re.IGNORECASE,
)
"""The answer before it is said to be wrong, whatever comes instead."""
