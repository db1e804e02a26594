"""What is asked about one detail of a dish: 要焖多久, 放几瓣蒜, 烤箱多少度.

It names no dish, and would match every recipe that speaks of the same detail.
"""

import re

_COUNTED = "毫升|汤匙|茶匙|公斤|[克个只勺片根瓣斤两颗粒块条杯碗把朵滴张头]"
_DEED = "炖|焖|煮|蒸|烤|炸|煎|炒|腌|泡|发酵|发|醒|卤|煲|熬|烧|焯|煨|醉|浸泡|浸|冷藏|冷冻|冰|腌制|静置|烘|焗|收汁"
_DETAIL = re.compile(
    r"(?:的)?(?:时候|里面?|中)?(?:还|都|总共|一共|大概|一般|最少|至少|到底|究竟)?(?:需要|要|得|该|应该|可以|能|用)?(?:"
    rf"(?:放|加|用|买|准备|倒|切|来|打|配|磕)?(?:多少|几)(?:{_COUNTED})\S{{0,6}}"
    r"|(?:放|加|用|买|准备|倒|打|配|(?<=要))多少\S{0,6}"
    rf"|(?:{_DEED})(?:水|制|面|够)?(?:多久|多长时间|几分钟|几个?小时|多少分钟|多少时间|几天|多少小时|多少天)"
    r"|(?:用|烤箱|油温|水温)?(?:要|得|是|预热|预热到)?(?:多少度|几度|什么温度|几成热)"
    r"|(?:是|够)?几个?人(?:吃|份)?(?:的)?"
    rf"|(?:什么|啥)时候(?:放|加|下|关|出|翻)\S{{0,4}}|要不要\S{{1,5}}|用不用\S{{1,5}}|需不需要\S{{1,5}}|焯水"
    r")(?:啊|呢|呀|吗|嘛|哦|合适|比较好|最好|才行|才够|好)*(?=[？?。！!，,；;\s]|$)"
)


def without_detail(question: str) -> str:
    """A normalised question without what it asks about a detail: 可乐鸡翅要焖多久 -> 可乐鸡翅.

    Returns the rest as it stands, which is empty or punctuation where the question names no dish.
    """
    return _DETAIL.sub("", question)
