"""Models of transformers: every class of its automatic tables, built from its configuration's own defaults,
and what forward() is fed, by its signature, its documentation and the configuration.

A part of the bridge. The top needs nothing but the standard library.
"""

import importlib
import inspect
import math
import os
import re

# Names of modeling_auto's tables, the task of their models, in the order in which a model of several
# tables gets its task.
TABLES = (
    ("IMAGE_CLASSIFICATION", "classification"), ("OBJECT_DETECTION", "detection"),
    ("SEMANTIC_SEGMENTATION", "segmentation"), ("INSTANCE_SEGMENTATION", "segmentation"),
    ("UNIVERSAL_SEGMENTATION", "segmentation"), ("VIDEO_CLASSIFICATION", "video"))


def architectures():
    """(class, configuration's class, model_type, task) of every architecture, by name."""
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    configurations = importlib.import_module("transformers.models.auto.configuration_auto")
    tables = {name: table for name, table in vars(auto).items()
              if name.startswith("MODEL_") and name.endswith("MAPPING_NAMES")}
    tasks = {}
    for word, task in TABLES:
        for name, _ in classes_of(tables.get("MODEL_FOR_%s_MAPPING_NAMES" % word, {})):
            tasks.setdefault(name, task)
    found = {}
    for table in tables.values():
        for name, kind in classes_of(table):
            found.setdefault(name, kind)
    known = configurations.CONFIG_MAPPING_NAMES
    return [(name, known[found[name]], found[name], tasks.get(name, "unknown"))
            for name in sorted(found) if found[name] in known]


def classes_of(table):
    """(class, model_type) of each row of a table; a row may have several classes."""
    for kind, names in dict(table).items():
        for name in [names] if isinstance(names, str) else names:
            if isinstance(name, str):
                yield name, kind


# --- Building -------------------------------------------------------------------------


def build(name, configuration_name):
    """A model with its configuration's own defaults, for one pass: no cache of keys and values."""
    # The library's checks of values, such as whether images have as many features as the text has places for them.
    os.environ["TRANSFORMERS_DISABLE_TORCH_CHECK"] = "1"
    transformers = importlib.import_module("transformers")
    cls = getattr(transformers, name)
    configuration = getattr(cls, "config_class", None) or getattr(transformers, configuration_name)
    try:
        return built(cls, configuration, "sdpa" if getattr(cls, "_supports_sdpa", False) else "eager")
    except ImportError:
        raise
    except Exception as error:
        if "_product_attention" in str(error):  # a part of it has no such attention
            return built(cls, configuration, "eager")
        raise ValueError("the defaults of %s make no model: %s: %s"
                         % (configuration.__name__, type(error).__name__, error)) from error


def built(cls, configuration, attention):
    made = for_one_pass(configuration())
    made._attn_implementation = attention
    return cls(made)


def for_one_pass(configuration):
    for each in settings_of(configuration):
        if getattr(each, "use_cache", False) is True:
            each.use_cache = False
    return configuration


# --- What a configuration says --------------------------------------------------------


def settings_of(config):
    """The configuration and those inside it, outermost first."""
    found = [config]
    for value in list(vars(config).values()):
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            found += settings_of(value)
    return found


def setting(config, names, standard):
    """The first of these settings that the configuration or one inside it has as a number."""
    return sizes_of(config, names, standard)[0]


def sizes_of(config, names, standard):
    """The first of these settings as a list of one or more numbers."""
    for each in settings_of(config):
        for name in names:
            value = getattr(each, name, None)
            if isinstance(value, dict):
                value = [value[key] for key in ("height", "width", "shortest_edge") if key in value]
            value = list(value) if isinstance(value, (list, tuple)) else [value]
            if value and all(isinstance(size, int) and not isinstance(size, bool) and size > 0
                             for size in value):
                return value
    return [standard]


# --- Inputs ---------------------------------------------------------------------------

TOKENS, CHOICES, SIDE, SOUND = 32, 2, 224, 16000


class Inputs:
    """The inputs of a model: 32 tokens, one image, one second of sound, as far as it takes them.

    A shape is the one of TABLE, else that which the documentation of forward() has in words: "of
    shape `(batch_size, sequence_length, hidden_size)`", whose names the configuration has.
    """

    def __init__(self, model, dtype):
        self.model, self.config, self.dtype = model, model.config, dtype
        self.forward = model.forward
        self.parameters = inspect.signature(self.forward).parameters
        self.kind = self.config.model_type
        self.tokens = min(TOKENS, self.setting("max_position_embeddings", standard=TOKENS))
        self.channels = self.setting("num_channels", "in_channels", "in_chans", "num_image_channels", standard=3)
        sides = self.sizes("image_size", "input_size", "img_size", "max_img_size", standard=SIDE)
        self.height, self.width = (sides * 2)[:2]
        for module in model.modules():
            if isinstance(getattr(module, "pretrained_cfg", None), dict):  # a model of timm
                self.height, self.width = module.pretrained_cfg.get("input_size", (3, SIDE, SIDE))[1:]
                break
        windows = self.setting("num_windows", standard=0) * self.setting("patch_size", standard=0)
        if windows:  # a whole number of them
            self.height, self.width = (max(windows, side // windows * windows) for side in (self.height, self.width))
        if "prompt_pixel_values" in self.parameters:  # the image is below another one
            self.height //= 2
        if hasattr(self.config, "scaled_images_ratios"):  # an image in patches of its own, at several scales
            patch = self.setting("patch_size", standard=SIDE)
            self.height = self.width = int(patch / min(self.config.scaled_images_ratios))

    def setting(self, *names, standard):
        return setting(self.config, names, standard)

    def sizes(self, *names, standard):
        return sizes_of(self.config, names, standard)

    # Which inputs

    def names(self):
        """The names of the inputs that forward() cannot do without."""
        main = getattr(self.model, "main_input_name", "input_ids")
        names = [main] if isinstance(main, str) else list(main)
        names += [name for name, each in self.parameters.items() if each.default is inspect.Parameter.empty
                  and each.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)]
        if getattr(self.config, "is_encoder_decoder", False):
            names += ["decoder_input_ids", "decoder_input_values"]
        if "input_ids" in self.parameters and main != "inputs":  # which stands for any input
            names.append("input_ids")
            if self.reads_both():
                names += [name for name in SENSES if name in self.parameters][:1]
        if hasattr(self.config, "languages"):
            names.append("lang_ids")
        names += [name for name in COMPANIONS if name not in names]
        names = [name for name in dict.fromkeys(names) if name in self.parameters]
        return [name for name in names if name not in COMPANIONS or COMPANIONS[name] in names]

    def reads_both(self):
        """Whether texts come with something to see or hear: in a space that they share, or where no
        token of the text stands for it."""
        if any(hasattr(self.model, name) for name in ("logit_scale", "temperature", "logit_scale_a")):
            return True
        return not any(re.fullmatch(r"(image|video|audio|media)_token(_id|_index)?", name)
                       for each in settings_of(self.config) for name in vars(each))

    def specs(self):
        found = [self.spec(name) for name in self.names()]
        found = [spec for spec in found if spec is not None]
        if not found:
            is_there = self.forward.__name__ != "_forward_unimplemented"
            raise ValueError("no input of forward() is known; it has %s" % ", ".join(self.parameters) if is_there
                             else "the class has no forward(): only its parts run")
        return found

    def others(self, specs, message):
        """Other inputs to try where a model did not run on these: first with those that its words ask
        for, then in the other forms that inputs of their names have, last without what is not text."""
        given = {spec["name"] for spec in specs}
        asked = [name for name in re.findall(r"\w+", message) if name in self.parameters and name not in given]
        added = [spec for spec in map(self.spec, dict.fromkeys(asked)) if spec is not None]
        if added:
            yield specs + added
        if "NoneType" in message:
            added = [self.spec(name) for name in MASKS if name in self.parameters and name not in given]
            if added:
                yield specs + added
        for place, spec in enumerate(specs):
            for form in FORMS.get(spec["name"], ()):
                other = form(self, spec)
                if other is not None:
                    yield specs[:place] + [other] + specs[place + 1:]
        for place, spec in enumerate(specs):
            if spec["name"] in SENSES and len(specs) > 1:
                yield specs[:place] + specs[place + 1:]

    # Their shapes

    def spec(self, name):
        """One input by its name; None for what is not known."""
        made = TABLE[name](self) if name in TABLE else self.documented(name)
        if made is None:
            return None
        made = dict(made, name=name)
        if made["dtype"] == "int64" and "BoolTensor" in str(self.parameters[name].annotation):
            made["dtype"] = "bool"
        if made["dtype"] == "int64" and type(self.model).__name__.endswith("ForMultipleChoice"):
            made["shape"] = made["shape"][:1] + [CHOICES] + made["shape"][1:]
        return made

    def ids(self, *shape):
        return {"shape": list(shape), "dtype": "int64"}

    def floats(self, *shape):
        return {"shape": list(shape), "dtype": self.dtype}

    def values(self, rows, dtype="int64"):
        """An input whose values decide what runs."""
        shape, row = [], rows
        while isinstance(row, list):
            shape.append(len(row))
            row = row[0]
        return {"shape": shape, "dtype": dtype, "values": rows}

    def documented(self, name):
        """The shape that the documentation of forward() states."""
        text = inspect.getdoc(type(self.model).forward) or ""
        found = re.search(r"^\s*%s\s*\((.*?)of shape\s*`?\(([^)]*)\)" % re.escape(name), text, re.M | re.S)
        shape = [None]
        if found is not None and found.group(1).count("\n") < 3:
            shape = [self.documented_size(word.strip(" `")) for word in found.group(2).split(",") if word.strip(" `")]
        if None in shape or not shape:
            return self.floats(1, self.tokens, self.setting("hidden_size", "d_model", standard=1)) \
                if name.endswith(("embeds", "hidden_states")) else None
        kind = found.group(1)
        if "Bool" in kind:
            return {"shape": shape, "dtype": "bool"}
        return self.ids(*shape) if re.search("Long|Int", kind) or name.endswith(("_ids", "_mask")) else \
            self.floats(*shape)

    def documented_size(self, word):
        if word.isdigit():
            return int(word)
        known = SIZES.get(word)
        if known is not None:
            return known(self)
        word = word.rpartition(".")[2]
        return self.setting(word, standard=None) if word.isidentifier() else None

    def text(self):
        rows = self.setting("num_codebooks", standard=1) if self.kind in CODES else 1
        return self.ids(rows, self.tokens)

    def row(self):
        return self.ids(1, self.tokens)

    def image(self):
        if self.is_packed():
            return self.patches()
        if "spatial_shapes" in self.parameters:
            return in_rows(self, self.floats())
        if "image_attention_mask" in self.parameters and "image_encoder_embeddings" in self.parameters:
            return self.floats(1, 1, self.channels, self.height, self.width)
        if "aspect_ratio_ids" in self.parameters:
            tiles = self.setting("max_num_tiles", standard=4)
            return self.floats(1, 1, tiles, self.channels, self.height, self.width)
        if self.kind in PAIRS:
            return self.floats(1, 2, self.channels, self.height, self.width)
        if self.kind in VIDEOS:
            return self.video()
        return self.floats(1, self.channels, self.height, self.width)

    def video(self):
        frames = self.setting("num_frames", "frames_per_clip", standard=16)
        return self.floats(1, frames, self.channels, self.height, self.width)

    def image_mask(self):
        if "spatial_shapes" in self.parameters:
            return self.ids(1, math.prod(self.grid()))
        return self.ids(1, self.height, self.width)

    def is_packed(self):
        """Whether images are lists of patches, with a grid of their places beside them."""
        return "grid_thw" in self.parameters or "image_grid_thw" in self.parameters and \
            self.parameters["image_grid_thw"].default is inspect.Parameter.empty

    def grid(self):
        """Patches of an image, down and across: a multiple of 4, as what merges them wants."""
        patch = self.setting("patch_size", standard=16)
        return [max(4, side // patch // 4 * 4) for side in (self.height, self.width)]

    def patches(self):
        """A row of numbers for each patch, as many as the model's first weight takes."""
        down, across = self.grid()
        return self.floats(down * across, self.patch_elements())

    def states(self):
        return self.patches() if self.is_packed() else self.documented("hidden_states")

    def patch_elements(self):
        readers = [(path, module.weight) for path, module in self.model.named_modules()
                   if hasattr(module, "weight") and (hasattr(module, "in_features") or hasattr(module, "kernel_size"))]
        readers = [weight for path, weight in readers if "patch" in path] or [weight for _, weight in readers]
        return math.prod(readers[0].shape[1:])

    def grid_thw(self):
        return self.values([[1] + self.grid()])

    def places(self):
        """Where the patches are."""
        down, across = self.grid()
        return self.values([[[column, row] for row in range(down) for column in range(across)]])

    def features(self):
        """Features of sound; their axis comes first where a convolution along the time reads them."""
        mels = self.setting("feature_projection_input_dim", "num_mel_bins", "input_feat_per_channel",
                            "feature_size", "input_feat_size",
                            "num_mel_bands", standard=80)
        frames = self.frames()
        first = next((module for module in self.model.modules()
                      if hasattr(module, "kernel_size") and hasattr(module, "in_channels")), None)
        along = first is not None and len(first.kernel_size) == 1 and first.in_channels == mels
        return self.floats(1, mels, frames) if along else self.floats(1, frames, mels)

    def frames(self):
        step = self.setting("subsampling_factor", "n_window", "downsample_factor", standard=1)
        return -(-2 * self.setting("max_source_positions", standard=50) // (2 * step)) * 2 * step

    def feature_mask(self):
        return self.values([[1] * self.frames()])

    def numbered_patches(self):
        """Rows of an image's patches, after the numbers of their places."""
        return self.floats(1, self.setting("max_patches", "seq_len", standard=TOKENS), 2 + self.patch_elements())

    def sound(self):
        mels = self.setting("num_mel_bins", standard=0)
        length = self.setting("max_length", standard=0)
        if mels and length and self.kind == "audio-spectrogram-transformer":
            return self.floats(1, length, mels)
        return self.floats(1, 1, SOUND) if self.kind in CHANNELS else self.floats(1, SOUND)

    def perceived(self):
        """What the Perceiver's preprocessor takes; rows of features where it has none. Else sound."""
        if self.kind != "perceiver":
            return self.sound()
        whole = getattr(self.model, "perceiver", self.model)
        before = getattr(whole, "input_preprocessor", None)
        if before is None:
            return self.floats(1, self.tokens, self.setting("d_model", standard=None))
        kind = type(self.model).__name__
        if type(before).__name__ == "PerceiverTextPreprocessor":
            return self.row()
        if kind.endswith("OpticalFlow"):  # two frames, each pixel with its 27 neighbours' values
            return self.floats(1, 2, 27, *self.sizes("train_size", standard=SIDE))
        side = self.height if kind.endswith("Learned") else SIDE
        return self.floats(1, self.channels, side, side)

    def series(self):
        lags = getattr(self.config, "lags_sequence", None) or [0]
        length = self.setting("context_length", standard=TOKENS) + max(lags)
        columns = self.setting("num_input_channels", standard=None)
        return self.floats(1, length, columns) if columns else self.floats(1, length)


# Families whose pictures are the frames of a video, or come in pairs; whose sound has channels; and whose
# tokens have a row for each book of codes.
VIDEOS = ("timesformer", "videomae", "vivit", "tvp")
PAIRS = ("efficientloftr", "lightglue", "superglue")
CHANNELS = ("dac", "encodec", "mimi", "xcodec")
CODES = ("musicgen_decoder", "musicgen_melody_decoder")

# What is given beside a text that needs it, the first that there is.
SENSES = ("pixel_values", "input_features", "input_values", "pixel_values_videos", "flattened_patches")

# Optional by their signatures, but models do not run without: each with the input that it comes with.
COMPANIONS = {"bbox": "input_ids", "image_embeds_position_mask": "pixel_values", "visual_feats": "input_ids",
              "visual_pos": "input_ids", "actions": "states", "rewards": "states", "returns_to_go": "states",
              "timesteps": "states", "spatial_shapes": "pixel_values"}

# Of what some models cannot do without, though it is optional; where one fails on a None.
MASKS = ("input_features_mask", "attention_mask", "pixel_attention_mask", "padding_mask",
         "target_sizes", "image_attention_mask")

TABLE = {
    "input_ids": Inputs.text, "decoder_input_ids": Inputs.text, "attention_mask": Inputs.row,
    "decoder_input_values": lambda self: self.floats(1, self.tokens, self.setting("num_mel_bins", standard=80)),
    "bbox_mask": Inputs.row, "token_type_ids": Inputs.row, "qformer_input_ids": Inputs.row,
    "bbox": lambda self: self.ids(1, self.tokens, 4),
    "audio_mel": Inputs.features, "audio_mel_mask": Inputs.feature_mask, "spectrogram": Inputs.features,
    "pixel_values": Inputs.image, "pixel_values_videos": Inputs.video, "hidden_states": Inputs.states,
    "grid_thw": Inputs.grid_thw, "image_grid_thw": Inputs.grid_thw,
    "input_features": Inputs.features, "input_features_mask": Inputs.feature_mask,
    "input_values": Inputs.sound, "past_values": Inputs.series, "inputs": Inputs.perceived,
    "pixel_attention_mask": Inputs.image_mask, "flattened_patches": Inputs.numbered_patches,
    "latents": lambda self: self.floats(1, self.setting("hidden_size", standard=1), self.tokens),
    "task_inputs": lambda self: self.ids(1, self.setting("task_seq_len", standard=TOKENS)),
    "classes_input_ids": Inputs.row, "classes_attention_mask": Inputs.row,
    "classes_structure": lambda self: self.values([1]), "target_sizes": lambda self: self.values([self.grid()]),
    "image_attention_mask": lambda self: self.ids(1, self.tokens, 1),
    "encoder_hidden_states": lambda self: self.floats(
        1, self.tokens, self.setting("encoder_hidden_size", "cross_attention_hidden_size", "hidden_size", standard=1)),
    "freq": lambda self: self.ids(1, 1),
    "spatial_shapes": lambda self: self.values([self.grid()]),
    "pixel_position_ids": Inputs.places, "merge_sizes": lambda self: self.values([1]),
    "lang_ids": Inputs.row, "aspect_ratio_ids": lambda self: self.ids(1, 1),
    "aspect_ratio_mask": lambda self: self.ids(1, 1, self.setting("max_num_tiles", standard=4)),
}

# The sizes that documentations name, apart from those of the configuration.
SIZES = {
    "batch_size": lambda self: 1, "bsz": lambda self: 1,
    "sequence_length": lambda self: self.tokens, "seq_len": lambda self: self.tokens,
    "height": lambda self: self.height, "width": lambda self: self.width,
    "channels": lambda self: self.channels, "num_images": lambda self: 1,
    "episode_length": lambda self: self.tokens,
    "num_visual_features": lambda self: 36,  # objects in an image, as in LXMERT's paper
}


def turned(self, spec):
    """The two axes after the batch, the other way round."""
    shape = spec["shape"]
    return dict(spec, shape=shape[:1] + [shape[2], shape[1]] + shape[3:]) if len(shape) == 3 else None


def with_channel(self, spec):
    shape = spec["shape"]
    return dict(spec, shape=[shape[0], 1] + shape[1:]) if len(shape) < 4 else None


def with_codes(self, spec):
    """A row of codes for each token, one of each book."""
    books = self.setting("num_codebooks", "num_code_groups", "num_channels", standard=None)
    return dict(spec, shape=spec["shape"] + [books]) if books and len(spec["shape"]) == 2 else None


def with_codes_and_text(self, spec):
    """The same, after the token of the text."""
    made = with_codes(self, spec)
    return dict(made, shape=made["shape"][:-1] + [made["shape"][-1] + 1]) if made else None


def with_values(self, spec):
    """Tokens that are there, all the first of the vocabulary: their values decide what runs."""
    rows = 0
    for size in reversed(spec["shape"]):
        rows = [rows] * size
    return dict(spec, values=rows)


def with_frames(self, spec):
    """Several images, or frames of a video, instead of one."""
    shape = spec["shape"]
    frames = self.setting("num_frames", "frames_per_clip", standard=1)
    return dict(spec, shape=[shape[0], frames] + shape[1:]) if len(shape) == 4 else None


def as_wide(self, spec):
    """Features as many as the model's first product takes."""
    first = next((module.in_features for module in self.model.modules() if hasattr(module, "in_features")), None)
    return dict(spec, shape=spec["shape"][:-1] + [first]) if first else None


def of_128(self, spec):
    """The usual 128 features, where no setting has their number."""
    return dict(spec, shape=spec["shape"][:-1] + [128])


def in_rows(self, spec):
    """An image as a list of its patches in a batch."""
    down, across = self.grid()
    return dict(spec, shape=[1, down * across, self.patch_elements()])


def in_patches(self, spec):
    """An image as a list of patches, each a small image."""
    down, across = self.grid()
    patch = self.setting("patch_size", standard=16)
    return dict(spec, shape=[down * across, self.channels, patch, patch])


def of_usual_side(self, spec):
    """An image of 224 x 224, where the size of the configuration is not a whole number of windows."""
    return dict(spec, shape=spec["shape"][:-2] + [SIDE, SIDE]) if len(spec["shape"]) >= 4 else None


# The other forms of the inputs of a name, in the order in which they are tried.
FORMS = {"input_features": (turned, with_channel, as_wide, of_128), "input_values": (with_channel, turned),
         "input_ids": (with_codes, with_codes_and_text, with_values), "decoder_input_ids": (with_codes,),
         "pixel_values": (with_frames, in_rows, in_patches, of_usual_side)}
