"""The table of the zoo: names and facts, without torch, so that listing it is immediate."""

from __future__ import annotations

from dataclasses import dataclass

from striate.models.papers import PAPERS, Paper

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One named network and what is known of it; `module` is the file that builds it."""

    name: str
    module: str
    paper_key: str
    params: int
    macs: int
    input: Shape | tuple[Shape, ...] = (3, 224, 224)
    """One sample's shape, without the batch; several where the network has several inputs."""
    task: str = "classification"
    tokens: int = 0
    """Above 0: the input is whole numbers below this, not pixels."""

    @property
    def paper(self) -> Paper:
        """The publication it is from."""
        return PAPERS[self.paper_key]

    @property
    def year(self) -> int:
        """When it was published."""
        return self.paper.year

    @property
    def family(self) -> str:
        """The name that `striate models --family` takes: the file's, up to its first underscore."""
        return self.module.split("_")[0]

    @property
    def inputs(self) -> tuple[Shape, ...]:
        """The shape of each input."""
        shapes: list[Shape] = []
        for shape in self.input if isinstance(self.input[0], tuple) else (self.input,):
            assert isinstance(shape, tuple)
            shapes.append(shape)
        return tuple(shapes)


ENTRIES = (
    Entry("lecture_net", "lecture", "chollet2015", 34_826, 2_440_960, (1, 28, 28)),
    Entry("lecture_fcn", "lecture", "chollet2015", 93_962, 3_100_032, (1, 28, 28)),
    Entry("neocognitron", "neocognitron", "fukushima1980", 29_472, 1_261_696, (1, 16, 16)),
    Entry("lenet5", "lenet", "lecun1998", 60_000, 415_680, (1, 32, 32)),
    Entry("lenet5_modern", "lenet", "lecun1998", 61_706, 416_520, (1, 32, 32)),
    Entry("alexnet", "alexnet", "krizhevsky2014", 61_100_840, 714_188_480),
    Entry("alexnet_2012", "alexnet", "krizhevsky2012", 60_965_224, 724_406_816, (3, 227, 227)),
    Entry("zfnet", "zfnet", "zeiler2014", 62_357_608, 1_168_032_896),
    Entry("vgg11", "vgg", "simonyan2015", 132_863_336, 7_609_090_048),
    Entry("vgg11_bn", "vgg", "simonyan2015", 132_868_840, 7_609_090_048),
    Entry("vgg11_lrn", "vgg", "simonyan2015", 132_863_336, 7_609_090_048),
    Entry("vgg13", "vgg", "simonyan2015", 133_047_848, 11_308_466_176),
    Entry("vgg13_bn", "vgg", "simonyan2015", 133_053_736, 11_308_466_176),
    Entry("vgg16", "vgg", "simonyan2015", 138_357_544, 15_470_264_320),
    Entry("vgg16_bn", "vgg", "simonyan2015", 138_365_992, 15_470_264_320),
    Entry("vgg16_c", "vgg", "simonyan2015", 133_638_952, 11_770_888_192),
    Entry("vgg19", "vgg", "simonyan2015", 143_667_240, 19_632_062_464),
    Entry("vgg19_bn", "vgg", "simonyan2015", 143_678_248, 19_632_062_464),
    Entry("nin_cifar", "nin", "lin2014", 966_986, 222_486_528, (3, 32, 32)),
    Entry("nin_imagenet", "nin", "lin2014", 7_595_176, 1_100_188_800),
    Entry("googlenet", "googlenet", "szegedy2015", 13_004_888, 1_498_376_192),
    Entry("googlenet_2014", "googlenet", "szegedy2015", 13_378_280, 1_582_671_872),
    Entry("inception_v3", "inception", "szegedy2016", 27_161_264, 5_713_216_096, (3, 299, 299)),
    Entry("inception_v4", "inception_v4", "szegedy2017", 42_679_816, 12_253_974_624, (3, 299, 299)),
    Entry(
        "inception_resnet_v2",
        "inception_resnet",
        "szegedy2017",
        55_843_464,
        13_155_794_016,
        (3, 299, 299),
    ),
    Entry("xception", "xception", "chollet2017", 22_855_952, 8_357_403_496, (3, 299, 299)),
    Entry("plain34", "resnet", "he2016", 21_623_848, 3_644_493_824),
    Entry("resnet18", "resnet", "he2016", 11_689_512, 1_814_073_344),
    Entry("resnet34", "resnet", "he2016", 21_797_672, 3_663_761_408),
    Entry("resnet50", "resnet", "he2016", 25_557_032, 4_089_184_256),
    Entry("resnet101", "resnet", "he2016", 44_549_160, 7_801_405_440),
    Entry("resnet152", "resnet", "he2016", 60_192_808, 11_513_626_624),
    Entry("resnext50_32x4d", "resnet", "xie2017", 25_028_904, 4_230_479_872),
    Entry("resnext101_32x8d", "resnet", "xie2017", 88_791_336, 16_414_015_488),
    Entry("resnext101_64x4d", "resnet", "xie2017", 83_455_272, 15_460_270_080),
    Entry("wide_resnet50_2", "resnet", "zagoruyko2016", 68_883_240, 11_398_021_120),
    Entry("wide_resnet101_2", "resnet", "zagoruyko2016", 126_886_696, 22_753_050_624),
    Entry("seresnet50", "resnet", "hu2018", 28_088_024, 4_091_699_200),
    Entry("resnetv2_50", "resnet_variants", "he2016v2", 25_549_352, 4_089_184_256),
    Entry("nf_resnet50", "resnet_variants", "brock2021", 25_557_032, 5_340_348_416, (3, 256, 256)),
    Entry("resnet20", "resnet_cifar", "he2016", 269_722, 40_551_040, (3, 32, 32)),
    Entry("resnet32", "resnet_cifar", "he2016", 464_154, 68_862_592, (3, 32, 32)),
    Entry("resnet44", "resnet_cifar", "he2016", 658_586, 97_174_144, (3, 32, 32)),
    Entry("resnet56", "resnet_cifar", "he2016", 853_018, 125_485_696, (3, 32, 32)),
    Entry("resnet110", "resnet_cifar", "he2016", 1_727_962, 252_887_680, (3, 32, 32)),
    Entry("resnet1202", "resnet_cifar", "he2016", 19_421_274, 2_829_238_912, (3, 32, 32)),
    Entry("plain20", "resnet_cifar", "he2016", 269_722, 40_551_040, (3, 32, 32)),
    Entry("plain32", "resnet_cifar", "he2016", 464_154, 68_862_592, (3, 32, 32)),
    Entry("plain44", "resnet_cifar", "he2016", 658_586, 97_174_144, (3, 32, 32)),
    Entry("plain56", "resnet_cifar", "he2016", 853_018, 125_485_696, (3, 32, 32)),
    Entry("airbench94", "airbench", "jordan2024", 1_972_504, 118_147_360, (3, 32, 32)),
    Entry("wrn_16_8", "resnet_cifar", "zagoruyko2016", 10_961_370, 1_548_145_664, (3, 32, 32)),
    Entry("wrn_28_10", "resnet_cifar", "zagoruyko2016", 36_479_194, 5_243_328_768, (3, 32, 32)),
    Entry("wrn_40_4", "resnet_cifar", "zagoruyko2016", 8_949_210, 1_298_582_016, (3, 32, 32)),
    Entry("densenet121", "densenet", "huang2017", 7_978_856, 2_834_161_664),
    Entry("densenet161", "densenet", "huang2017", 28_681_000, 7_727_907_072),
    Entry("densenet169", "densenet", "huang2017", 14_149_480, 3_359_843_328),
    Entry("densenet201", "densenet", "huang2017", 20_013_928, 4_291_365_888),
    Entry("densenet264", "densenet", "huang2017", 33_337_704, 5_751_653_376),
    Entry("densenet_40_12", "densenet", "huang2017", 1_019_722, 264_812_928, (3, 32, 32)),
    Entry("densenet_100_12", "densenet", "huang2017", 6_979_642, 1_769_516_448, (3, 32, 32)),
    Entry("densenet_100_24", "densenet", "huang2017", 27_249_082, 6_889_347_744, (3, 32, 32)),
    Entry("densenet_bc_100_12", "densenet", "huang2017", 769_162, 287_929_692, (3, 32, 32)),
    Entry("densenet_bc_250_24", "densenet", "huang2017", 15_324_406, 5_418_785_724, (3, 32, 32)),
    Entry("densenet_bc_190_40", "densenet", "huang2017", 25_624_430, 9_301_945_740, (3, 32, 32)),
    Entry("mobilenet_v1", "mobilenet", "howard2017", 4_231_976, 568_740_352),
    Entry("mobilenet_v2", "mobilenet", "sandler2018", 3_504_872, 300_774_272),
    Entry("mobilenet_v3_small", "mobilenet_v3", "howard2019", 2_542_856, 56_510_400),
    Entry("mobilenet_v3_large", "mobilenet_v3", "howard2019", 5_483_032, 216_589_760),
    Entry("mnasnet0_5", "mnasnet", "tan2019mnas", 2_218_512, 104_455_968),
    Entry("mnasnet0_75", "mnasnet", "tan2019mnas", 3_170_208, 215_493_104),
    Entry("mnasnet1_0", "mnasnet", "tan2019mnas", 4_383_312, 314_415_872),
    Entry("mnasnet1_3", "mnasnet", "tan2019mnas", 6_282_256, 526_362_432),
    Entry("shufflenet_v2_x0_5", "shufflenet", "ma2018", 1_366_792, 40_476_448),
    Entry("shufflenet_v2_x1_0", "shufflenet", "ma2018", 2_278_604, 144_907_992),
    Entry("shufflenet_v2_x1_5", "shufflenet", "ma2018", 3_503_624, 295_759_392),
    Entry("shufflenet_v2_x2_0", "shufflenet", "ma2018", 7_393_996, 583_253_464),
    Entry("squeezenet1_0", "squeezenet", "iandola2016", 1_248_424, 818_924_576),
    Entry("squeezenet1_1", "squeezenet", "iandola2016", 1_235_496, 349_151_936),
    Entry("efficientnet_b0", "efficientnet", "tan2019", 5_288_548, 385_814_752),
    Entry("efficientnet_b1", "efficientnet", "tan2019", 7_794_184, 686_802_832, (3, 240, 240)),
    Entry("efficientnet_b2", "efficientnet", "tan2019", 9_109_994, 993_561_872, (3, 260, 260)),
    Entry("efficientnet_b3", "efficientnet", "tan2019", 12_233_232, 1_827_141_392, (3, 300, 300)),
    Entry("efficientnet_b4", "efficientnet", "tan2019", 19_341_616, 4_393_771_024, (3, 380, 380)),
    Entry("efficientnet_b5", "efficientnet", "tan2019", 30_389_784, 10_266_384_752, (3, 456, 456)),
    Entry("efficientnet_b6", "efficientnet", "tan2019", 43_040_704, 19_067_593_536, (3, 528, 528)),
    Entry("efficientnet_b7", "efficientnet", "tan2019", 66_347_960, 37_745_884_192, (3, 600, 600)),
    Entry("efficientnet_lite0", "efficientnet", "liu2020lite", 4_652_008, 385_187_552),
    Entry(
        "efficientnet_lite1", "efficientnet", "liu2020lite", 5_416_680, 600_185_232, (3, 240, 240)
    ),
    Entry(
        "efficientnet_lite2", "efficientnet", "liu2020lite", 6_092_072, 859_736_272, (3, 260, 260)
    ),
    Entry(
        "efficientnet_lite3", "efficientnet", "liu2020lite", 8_197_096, 1_383_321_872, (3, 280, 280)
    ),
    Entry(
        "efficientnet_lite4",
        "efficientnet",
        "liu2020lite",
        13_006_568,
        2_553_034_336,
        (3, 300, 300),
    ),
    Entry(
        "efficientnet_v2_s", "efficientnet_v2", "tan2021", 21_458_488, 8_365_617_152, (3, 384, 384)
    ),
    Entry("regnet_y_400mf", "regnet", "radosavovic2020", 4_344_144, 401_842_848),
    Entry("darknet53", "darknet", "redmon2018", 41_609_928, 9_285_115_904, (3, 256, 256)),
    Entry("convnext_tiny", "convnext", "liu2022", 28_589_128, 4_455_531_264),
    Entry("convnext_small", "convnext", "liu2022", 50_223_688, 8_683_712_256),
    Entry("convnext_base", "convnext", "liu2022", 88_591_464, 15_354_729_472),
    Entry("convnext_large", "convnext", "liu2022", 197_767_336, 34_361_433_600),
    Entry("fcn32s", "fcn", "long2015", 136_152_917, 62_787_564_288, task="segmentation"),
    Entry("fcn16s", "fcn", "long2015", 134_815_994, 62_826_561_792, task="segmentation"),
    Entry("fcn8s", "fcn", "long2015", 134_489_759, 62_860_657_728, task="segmentation"),
    Entry(
        "fcn_resnet50", "fcn_resnet", "long2015", 35_322_218, 26_484_498_432, task="segmentation"
    ),
    Entry(
        "fcn_resnet101", "fcn_resnet", "long2015", 54_314_346, 41_333_383_168, task="segmentation"
    ),
    Entry(
        "deeplabv3_resnet50",
        "fcn_resnet",
        "chen2017",
        42_004_074,
        31_310_548_992,
        task="segmentation",
    ),
    Entry(
        "unet", "unet", "ronneberger2015", 31_030_658, 12_024_020_992, (1, 128, 128), "segmentation"
    ),
    Entry(
        "fasterrcnn_resnet50_fpn",
        "rcnn",
        "ren2015",
        41_808_406,
        134_379_721_216,
        (3, 800, 800),
        "detection",
    ),
    Entry(
        "fasterrcnn_mobilenet_v3_large_fpn",
        "rcnn",
        "ren2015",
        19_410_754,
        18_853_144_256,
        (3, 800, 800),
        "detection",
    ),
    Entry(
        "alphago_policy", "alphago", "silver2016", 3_882_793, 1_400_726_208, (48, 19, 19), "policy"
    ),
    Entry("textcnn", "textcnn", "kim2014", 6_360_902, 24_900_600, (64,), "text", tokens=20_000),
    Entry("speechcnn", "speechcnn", "sainath2015", 308_412, 68_748_816, (16_000,), "audio"),
    Entry("wavenet", "wavenet", "oord2016", 1_279_616, 5_184_159_744, (256, 4096), "sequence"),
    Entry("crnn", "crnn", "donahue2015", 11_990_949, 3_885_279_232, (8, 3, 112, 112), "video"),
    Entry(
        "twostream",
        "twostream",
        "simonyan2014",
        181_335_594,
        4_277_888_928,
        ((3, 224, 224), (20, 224, 224)),
        "video",
    ),
    Entry(
        "autoencoder", "autoencoder", "masci2011", 241_441, 4_998_784, (1, 28, 28), "reconstruction"
    ),
    Entry("vqa", "vqa", "antol2015", 760_109, 41_953_280, ((3, 64, 64), (27,)), "questions"),
)

BY_NAME = {entry.name: entry for entry in ENTRIES}
