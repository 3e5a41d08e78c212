"""The papers behind the zoo: who, when, where to read it, and the one idea of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paper:
    """One publication, and what it brought."""

    title: str
    authors: str
    year: int
    url: str
    idea: str


_ARXIV = "https://arxiv.org/abs/"

PAPERS = {
    "fukushima1980": Paper(
        "Neocognitron: A Self-organizing Neural Network Model for a Mechanism of Pattern "
        "Recognition Unaffected by Shift in Position",
        "Fukushima",
        1980,
        "https://doi.org/10.1007/BF00344251",
        "Layers of cells that detect a feature alternate with cells that tolerate its shift.",
    ),
    "lecun1998": Paper(
        "Gradient-Based Learning Applied to Document Recognition",
        "LeCun, Bottou, Bengio, Haffner",
        1998,
        "https://doi.org/10.1109/5.726791",
        "Shared local filters and subsampling, trained end to end by backpropagation.",
    ),
    "krizhevsky2012": Paper(
        "ImageNet Classification with Deep Convolutional Neural Networks",
        "Krizhevsky, Sutskever, Hinton",
        2012,
        "https://papers.nips.cc/paper/4824",
        "LeNet grown to ImageNet on two GPUs: ReLU, dropout, response normalisation.",
    ),
    "krizhevsky2014": Paper(
        "One weird trick for parallelizing convolutional neural networks",
        "Krizhevsky",
        2014,
        _ARXIV + "1404.5997",
        "AlexNet in one column, without response normalisation.",
    ),
    "zeiler2014": Paper(
        "Visualizing and Understanding Convolutional Networks",
        "Zeiler, Fergus",
        2014,
        _ARXIV + "1311.2901",
        "Look inside AlexNet, then mend it: smaller first filters and a finer stride.",
    ),
    "simonyan2015": Paper(
        "Very Deep Convolutional Networks for Large-Scale Image Recognition",
        "Simonyan, Zisserman",
        2015,
        _ARXIV + "1409.1556",
        "Nothing but 3x3 filters, stacked deep: two see 5x5, three see 7x7, for fewer weights.",
    ),
    "lin2014": Paper(
        "Network In Network",
        "Lin, Chen, Yan",
        2014,
        _ARXIV + "1312.4400",
        "A small network at each position (1x1 filters), and a mean over maps as the classifier.",
    ),
    "szegedy2015": Paper(
        "Going Deeper with Convolutions",
        "Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich",
        2015,
        _ARXIV + "1409.4842",
        "Filters of several sizes side by side, made cheap by 1x1 reductions.",
    ),
    "szegedy2016": Paper(
        "Rethinking the Inception Architecture for Computer Vision",
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna",
        2016,
        _ARXIV + "1512.00567",
        "Large filters factored into small ones: 5x5 into two 3x3, 7x7 into 1x7 and 7x1.",
    ),
    "szegedy2017": Paper(
        "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
        "Szegedy, Ioffe, Vanhoucke, Alemi",
        2017,
        _ARXIV + "1602.07261",
        "Inception made regular, and the same with scaled residual sums.",
    ),
    "chollet2017": Paper(
        "Xception: Deep Learning with Depthwise Separable Convolutions",
        "Chollet",
        2017,
        _ARXIV + "1610.02357",
        "Inception's limit: space and channels filtered apart in every layer.",
    ),
    "he2016": Paper(
        "Deep Residual Learning for Image Recognition",
        "He, Zhang, Ren, Sun",
        2016,
        _ARXIV + "1512.03385",
        "Learn what to add to the input, not the output: 152 layers then train.",
    ),
    "he2016v2": Paper(
        "Identity Mappings in Deep Residual Networks",
        "He, Zhang, Ren, Sun",
        2016,
        _ARXIV + "1603.05027",
        "Norm and activation before the filters, so that the shortcut is a clear path.",
    ),
    "xie2017": Paper(
        "Aggregated Residual Transformations for Deep Neural Networks",
        "Xie, Girshick, Dollar, Tu, He",
        2017,
        _ARXIV + "1611.05431",
        "Many narrow paths in a block: grouped filters.",
    ),
    "zagoruyko2016": Paper(
        "Wide Residual Networks",
        "Zagoruyko, Komodakis",
        2016,
        _ARXIV + "1605.07146",
        "Wider instead of deeper: as good, and faster.",
    ),
    "hu2018": Paper(
        "Squeeze-and-Excitation Networks",
        "Hu, Shen, Albanie, Sun, Wu",
        2018,
        _ARXIV + "1709.01507",
        "Every block weighs its channels by what the whole image shows.",
    ),
    "brock2021": Paper(
        "Characterizing signal propagation to close the performance gap in unnormalized ResNets",
        "Brock, De, Smith",
        2021,
        _ARXIV + "2101.08692",
        "A residual network without normalisation: standardised weights and scaled activations.",
    ),
    "huang2017": Paper(
        "Densely Connected Convolutional Networks",
        "Huang, Liu, van der Maaten, Weinberger",
        2017,
        _ARXIV + "1608.06993",
        "Every layer sees the maps of all layers before it.",
    ),
    "howard2017": Paper(
        "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
        "Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam",
        2017,
        _ARXIV + "1704.04861",
        "Depthwise and pointwise filters throughout, and one number that scales the width.",
    ),
    "sandler2018": Paper(
        "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
        "Sandler, Howard, Zhu, Zhmoginov, Chen",
        2018,
        _ARXIV + "1801.04381",
        "Shortcuts between narrow maps; the wide ones live inside the block.",
    ),
    "howard2019": Paper(
        "Searching for MobileNetV3",
        "Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam",
        2019,
        _ARXIV + "1905.02244",
        "A searched network with channel attention and hard swish.",
    ),
    "tan2019mnas": Paper(
        "MnasNet: Platform-Aware Neural Architecture Search for Mobile",
        "Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le",
        2019,
        _ARXIV + "1807.11626",
        "Search for accuracy and measured latency together, block by block.",
    ),
    "ma2018": Paper(
        "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
        "Ma, Zhang, Zheng, Sun",
        2018,
        _ARXIV + "1807.11164",
        "Half of the channels pass by untouched, then all are shuffled.",
    ),
    "iandola2016": Paper(
        "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
        "Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer",
        2016,
        _ARXIV + "1602.07360",
        "Squeeze to few channels before the expensive filters.",
    ),
    "tan2019": Paper(
        "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        "Tan, Le",
        2019,
        _ARXIV + "1905.11946",
        "Depth, width and resolution grow together, by one coefficient.",
    ),
    "liu2020lite": Paper(
        "Higher accuracy on vision models with EfficientNet-Lite",
        "Liu",
        2020,
        "https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html",
        "EfficientNet without channel attention and swish, for integer arithmetic.",
    ),
    "tan2021": Paper(
        "EfficientNetV2: Smaller Models and Faster Training",
        "Tan, Le",
        2021,
        _ARXIV + "2104.00298",
        "Full 3x3 filters in the early blocks, where depthwise ones are slow.",
    ),
    "radosavovic2020": Paper(
        "Designing Network Design Spaces",
        "Radosavovic, Kosaraju, Girshick, He, Dollar",
        2020,
        _ARXIV + "2003.13678",
        "Widths and depths that follow one quantised line.",
    ),
    "redmon2018": Paper(
        "YOLOv3: An Incremental Improvement",
        "Redmon, Farhadi",
        2018,
        _ARXIV + "1804.02767",
        "A plain residual trunk of 53 layers, made for detection.",
    ),
    "liu2022": Paper(
        "A ConvNet for the 2020s",
        "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie",
        2022,
        _ARXIV + "2201.03545",
        "A ResNet modernised, step by step, until it equals the transformers.",
    ),
    "long2015": Paper(
        "Fully Convolutional Networks for Semantic Segmentation",
        "Long, Shelhamer, Darrell",
        2015,
        _ARXIV + "1411.4038",
        "A classifier turned into convolutions labels every pixel; skips make it sharp.",
    ),
    "chen2017": Paper(
        "Rethinking Atrous Convolution for Semantic Image Segmentation",
        "Chen, Papandreou, Schroff, Adam",
        2017,
        _ARXIV + "1706.05587",
        "Dilated filters of several rates look at the same map.",
    ),
    "ronneberger2015": Paper(
        "U-Net: Convolutional Networks for Biomedical Image Segmentation",
        "Ronneberger, Fischer, Brox",
        2015,
        _ARXIV + "1505.04597",
        "Down and up again, with every level's maps handed across.",
    ),
    "ren2015": Paper(
        "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks",
        "Ren, He, Girshick, Sun",
        2015,
        _ARXIV + "1506.01497",
        "One network proposes the boxes, and another names what is in them, on shared maps.",
    ),
    "silver2016": Paper(
        "Mastering the game of Go with deep neural networks and tree search",
        "Silver, Huang, Maddison, et al.",
        2016,
        "https://doi.org/10.1038/nature16961",
        "The board as an image of 48 planes; the answer is a probability for each point.",
    ),
    "kim2014": Paper(
        "Convolutional Neural Networks for Sentence Classification",
        "Kim",
        2014,
        _ARXIV + "1408.5882",
        "Filters over three, four and five words, and the strongest answer of each.",
    ),
    "sainath2015": Paper(
        "Convolutional Neural Networks for Small-footprint Keyword Spotting",
        "Sainath, Parada",
        2015,
        "https://doi.org/10.21437/Interspeech.2015-352",
        "A spoken word is an image: time along one axis, pitch along the other.",
    ),
    "oord2016": Paper(
        "WaveNet: A Generative Model for Raw Audio",
        "van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior, Kavukcuoglu",
        2016,
        _ARXIV + "1609.03499",
        "Causal filters, dilated 1, 2, 4, ...: a thousand past samples in ten layers.",
    ),
    "donahue2015": Paper(
        "Long-term Recurrent Convolutional Networks for Visual Recognition and Description",
        "Donahue, Hendricks, Guadarrama, Rohrbach, Venugopalan, Saenko, Darrell",
        2015,
        _ARXIV + "1411.4389",
        "A convolutional network sees each frame, a recurrent one remembers them.",
    ),
    "simonyan2014": Paper(
        "Two-Stream Convolutional Networks for Action Recognition in Videos",
        "Simonyan, Zisserman",
        2014,
        _ARXIV + "1406.2199",
        "One network looks at the picture, another at the motion.",
    ),
    "masci2011": Paper(
        "Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction",
        "Masci, Meier, Ciresan, Schmidhuber",
        2011,
        "https://doi.org/10.1007/978-3-642-21735-7_7",
        "A picture through a narrow code and back: the code is what the picture is about.",
    ),
    "antol2015": Paper(
        "VQA: Visual Question Answering",
        "Antol, Agrawal, Lu, Mitchell, Batra, Zitnick, Parikh",
        2015,
        _ARXIV + "1505.00468",
        "Picture and question become vectors of one length; their product is classified.",
    ),
    "chollet2015": Paper(
        "Simple MNIST convnet (Keras example)",
        "Chollet",
        2015,
        "https://keras.io/examples/vision/mnist_convnet/",
        "Filters and pooling until one dense layer can decide: the lectures' own listing.",
    ),
    "jordan2024": Paper(
        "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
        "Jordan",
        2024,
        _ARXIV + "2404.00498",
        "First filters that whiten, others that begin as the identity: accuracy a second.",
    ),
}
