"""Four kinds of tokenizer, trained in the test on a few lines, as `PreTrainedTokenizerFast`; nothing is downloaded."""

import json
from functools import cache

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXT = [
    "In which country is the city of Lyon? Lyon is in France. The answer: Côte d'Ivoire.",
    "«Rome», “Paris”, Niger, Nigeria; İstanbul, Straße, 東京は日本の首都です 😀 👩‍👩‍👧 12,345.6",
    "ሰላም ዓለም, привет мир, नमस्ते दुनिया, สวัสดี, e\u0301 ﬁn Ａ",
] * 3
SPECIAL = ["<unk>", "<s>", "</s>", "<turn>", "</think>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def gpt2() -> Tokenizer:
    """Byte-level BPE."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def llama() -> Tokenizer:
    """SentencePiece BPE as Llama 2 has it: blanks as ▁, bytes for what the vocabulary lacks, one leading blank cut."""
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    # Latin only: the rest of the text falls back to bytes.
    learnt.train_from_iterator(
        [line.encode("ascii", "ignore").decode() for line in TEXT],
        trainers.BpeTrainer(vocab_size=120, show_progress=False),
    )
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *BYTES])}
    for token in sorted(learnt.get_vocab(), key=learnt.get_vocab().__getitem__):
        vocabulary.setdefault(token, len(vocabulary))
    merges = [tuple(pair) for pair in json.loads(learnt.to_str())["model"]["merges"]]
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1, right=0),
        ]
    )
    return tokenizer


def wordpiece() -> Tokenizer:
    """BERT's: `##` continues a word, blanks are put between words, case and accents are lost."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def unigram() -> Tokenizer:
    """SentencePiece unigram as T5 and XLM-R have it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=250, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


KINDS = {kind.__name__: kind for kind in (gpt2, llama, wordpiece, unigram)}


@cache
def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=KINDS[kind](),
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<turn>", "</think>"],
    )
