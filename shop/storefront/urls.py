"""Where the storefront's pages are."""

from django.urls import path

from shop.storefront import account, browsing, cards, checkout, orders, signing_in

app_name = "storefront"
urlpatterns = [
    path("", browsing.catalogue, name="catalogue"),
    path("products/<path:sku>/", browsing.product, name="product"),
    path("basket/", browsing.basket, name="basket"),
    path("basket/add/", browsing.add, name="basket-add"),
    path("basket/change/", browsing.change, name="basket-change"),
    path("checkout/", checkout.checkout, name="checkout"),
    path("checkout/address/", checkout.address, name="checkout-address"),
    path("checkout/payment/", checkout.payment, name="checkout-payment"),
    path("checkout/reduce/", checkout.reduce, name="checkout-reduce"),
    path("checkout/place/", checkout.place, name="checkout-place"),
    path("cards/", cards.tokenise, name="cards"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<uuid:order_id>/", orders.order, name="order"),
    path("orders/<uuid:order_id>/again/", orders.again, name="order-again"),
    path("orders/<uuid:order_id>/cancel/", orders.cancel, name="order-cancel"),
    path("orders/<uuid:order_id>/address/", orders.answer, name="order-address"),
    path("account/", account.account, name="account"),
    path("account/name/", account.rename, name="account-name"),
    path("account/email/", account.email, name="account-email"),
    path("account/password/", account.password, name="account-password"),
    path("account/addresses/", account.address, name="account-addresses"),
    path("account/addresses/<int:number>/", account.address, name="account-address"),
    path("account/addresses/<int:number>/remove/", account.without_address, name="account-address-remove"),
    path("account/addresses/<int:number>/default/", account.default_address, name="account-address-default"),
    path("account/cards/<int:number>/remove/", account.without_card, name="account-card-remove"),
    path("register/", signing_in.register, name="register"),
    path("sign-in/", signing_in.sign_in, name="sign-in"),
    path("sign-out/", signing_in.sign_out, name="sign-out"),
]
