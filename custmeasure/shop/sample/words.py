"""The names and sentences of the sample shop, Korean and English mixed as shops mix them."""

from typing import NamedTuple

CHANNELS = ("naver_search", "naver_shopping", "instagram", "kakao", "direct", "referral")
NAVER_SEARCH, NAVER_SHOPPING, INSTAGRAM, KAKAO, DIRECT, REFERRAL = range(6)
DEVICES = ("mobile", "desktop", "tablet")
EVENTS = ("visit", "view_product", "add_to_cart", "begin_checkout", "purchase")
VISIT, VIEW, CART, CHECKOUT, PURCHASE = range(5)
VARIANTS = ("A", "B")
GENDERS = ("F", "M")
REGIONS = ("서울", "경기", "인천", "부산", "대구", "대전", "광주", "강원", "제주")
FAR_REGION = REGIONS.index("강원")  # this one and those after it get parcels late more often

CAMPAIGNS = (
    None, "valentine_half", "summer_reels", "nshop_always_on", "브랜드검색", "kakao_weekly",
    "친구초대",
)  # fmt: skip

CATEGORIES = ("beans", "drip_bag", "cold_brew", "capsule", "equipment", "gift")
# How long a parcel lasts: days until the next order, by category.
CATEGORY_DAYS = (22.0, 20.0, 16.0, 26.0, 60.0, 65.0)


class Product(NamedTuple):
    """One product; ``weight`` is how often its page is seen."""

    product_id: str
    name: str
    category: str
    price: int
    weight: float


PRODUCTS = (
    Product("0101", "에티오피아 예가체프 G1 워시드 200g", "beans", 15_000, 12),
    Product("0102", "콜롬비아 우일라 수프리모 200g", "beans", 13_500, 9),
    Product("0103", "에티오피아 시다모 내추럴 200g", "beans", 16_500, 8),
    Product("0104", "하우스 블렌드 '새벽' 500g", "beans", 24_000, 13),
    Product("0105", "하우스 블렌드 '새벽' 1kg", "beans", 42_000, 6),
    Product("0106", "Kenya AA Kiambu 200g", "beans", 17_000, 5),
    Product("0107", "과테말라 안티구아 200g", "beans", 14_500, 5),
    Product("0108", "디카페인 콜롬비아 200g", "beans", 16_000, 6),
    Product("0109", "Panama Geisha Esmeralda 100g", "beans", 48_000, 8),
    Product("0201", "드립백 10개입 '새벽'", "drip_bag", 12_000, 7),
    Product("0202", "Drip Bag Sampler 12p", "drip_bag", 15_900, 5),
    Product("0301", "콜드브루 원액 500ml", "cold_brew", 14_000, 5),
    Product("0302", "Cold Brew Decaf 500ml", "cold_brew", 15_000, 2),
    Product("0401", "캡슐커피 20개입 (N사 호환)", "capsule", 13_800, 4),
    Product("0501", "V60 드리퍼 02", "equipment", 11_000, 2),
    Product("0502", "종이 필터 100매", "equipment", 4_500, 2),
    Product("0503", "핸드밀 그라인더", "equipment", 68_000, 2),
    Product("0504", "Gooseneck Kettle 0.9L", "equipment", 54_000, 1),
    Product("0601", "선물세트 (원두 2종 + 드립백)", "gift", 39_000, 3),
)
POOR_PAGE = 8  # many look at 0109, few put it in the basket
POOR_PRODUCT = 2  # 0103 comes back more often than any other

_LANDINGS = ("/", "/event/valentine", "/event/summer", "/beans")
HOME, VALENTINE_PAGE, SUMMER_PAGE, BEANS_PAGE = (len(PRODUCTS) + i for i in range(4))
CHECKOUT_PAGE, COMPLETE_PAGE = len(PRODUCTS) + 4, len(PRODUCTS) + 5
PAGES = (
    *(f"/product/{product.product_id}" for product in PRODUCTS),
    *_LANDINGS, "/checkout", "/order/complete",
)  # fmt: skip

# Code, share of the amount taken off, won taken off.
COUPONS = (
    (None, 0.0, 0),
    ("WELCOME10", 0.10, 0),
    ("VALENTINE50", 0.50, 0),
    ("KAKAO3000", 0.0, 3_000),
    ("단골5", 0.05, 0),
)
WELCOME, HALF_PRICE, KAKAO_COUPON, REGULAR_COUPON = range(1, 5)

REASONS = (
    "product_question", "restock_question", "coupon_question", "coupon_refused",
    "delivery_question", "complaint", "return_request", "order_change",
)  # fmt: skip
QUESTION, RESTOCK, COUPON_QUESTION, COUPON_REFUSED = range(4)
WHERE_IS_IT, COMPLAINT, RETURN_REQUEST, ORDER_CHANGE = range(4, 8)
CONTACT_CHANNELS = ("phone", "kakao_chat", "naver_talktalk", "email")
FAULTS = ("customer", "seller", "carrier", "unclear")
AGENTS = ("A01", "A02", "A03", "A04", "A05")

RETURN_KINDS = ("return", "exchange", "cancel")
STATED_REASONS = ("단순변심", "상품불량", "오배송", "상품설명과 다름", "배송지연")
FOUND_REASONS = (
    "단순변심", "분쇄도 선택 실수", "맛이 기대와 다름", "로스팅 날짜 오래됨", "상품불량",
    "오배송", "상품설명과 다름", "배송지연",
)  # fmt: skip

REVIEW_TEXTS = (
    ("향이 거의 없어요. 실망했습니다.", "Arrived late and stale.", "포장이 터져서 왔어요."),
    ("생각보다 너무 시어요.", "Not what the page promised.", "배송이 늦었어요."),
    ("무난합니다.", "OK for the price.", "맛은 괜찮은데 양이 적어요."),
    ("고소하고 좋아요.", "Good everyday coffee.", "배송 빠르고 신선해요."),
    ("인생 원두예요! 또 살게요.", "Best beans I have had this year.", "선물했더니 모두 좋아해요."),
)
