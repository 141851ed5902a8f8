"""openapi-python-client, held against mypy --strict."""

import base64
import io
import sys
import time

from shop_client import AuthenticatedClient
from shop_client.api.customers import get_customer
from shop_client.api.departments import list_departments
from shop_client.api.groups import create_group
from shop_client.api.products import (
    create_product,
    delete_product,
    list_products,
    update_product,
    update_product_partially,
)
from shop_client.models.error import Error
from shop_client.models.group_create import GroupCreate
from shop_client.models.invalid_input import InvalidInput
from shop_client.models.period_price import PeriodPrice
from shop_client.models.period_prices import PeriodPrices
from shop_client.models.product import Product
from shop_client.models.product_create import ProductCreate
from shop_client.models.product_create_type import ProductCreateType
from shop_client.models.product_page import ProductPage
from shop_client.models.product_update import ProductUpdate
from shop_client.models.shop_status import ShopStatus
from shop_client.models.update_product_files_body import UpdateProductFilesBody
from shop_client.types import File

address, key = sys.argv[1:]
shop = AuthenticatedClient(base_url=f"{address}/api", token=key)
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

page = list_products.sync(client=shop, per_page=2, page=2)
assert isinstance(page, ProductPage)
assert (page.current_page, page.per_page, len(page.data)) == (2, 2, 2)

page = list_products.sync(client=shop, filterstatus="hidden", include="pricing,group")
assert isinstance(page, ProductPage) and page.data
for product in page.data:
    assert product.status is ShopStatus.HIDDEN
    assert product.pricing and product.group

page = list_products.sync(client=shop, sort="group_id,-id", per_page=100)
assert isinstance(page, ProductPage) and len(page.data) > 3
keys = [(product.group_id, -product.id) for product in page.data]
assert keys == sorted(keys)

made = create_product.sync_detailed(
    client=shop,
    body=ProductCreate(
        name="Lanterne Python",
        description="<p>Neuf</p>",
        status=ShopStatus.ACTIVE,
        group_id=2,
        stock=-1,
        type_=ProductCreateType.NONE,
        pricing=PeriodPrices(monthly=PeriodPrice(price=1.5, setup=0)),
    ),
)
assert made.status_code == 201 and isinstance(made.parsed, Product), made.content
number = made.parsed.id

changed = update_product_partially.sync(number, client=shop, body=ProductUpdate(stock=7))
assert isinstance(changed, Product) and changed.stock == 7

picture = File(payload=io.BytesIO(base64.b64decode(PICTURE)), file_name="picture.png", mime_type="image/png")
uploaded = update_product.sync(number, client=shop, body=UpdateProductFilesBody(image=picture))
assert isinstance(uploaded, Product) and uploaded.image, uploaded

missing = get_customer.sync_detailed(999_999, client=shop)
assert missing.status_code == 404 and isinstance(missing.parsed, Error) and missing.parsed.message

group = GroupCreate(name="Zone", slug="zone-python", status=ShopStatus.ACTIVE, description="x", sort_order=1)
assert create_group.sync_detailed(client=shop, body=group).status_code == 201
refused = create_group.sync(client=shop, body=group)
assert isinstance(refused, InvalidInput) and refused.errors["slug"]

assert delete_product.sync_detailed(number, client=shop).status_code == 200

answer = list_departments.sync_detailed(client=shop)
for _ in range(1000):
    if answer.status_code == 429:
        break
    answer = list_departments.sync_detailed(client=shop)
assert answer.status_code == 429
seconds = int(answer.headers["Retry-After"])
assert 0 < seconds <= 60
time.sleep(seconds)
assert list_departments.sync_detailed(client=shop).status_code == 200
