"""What the demo shop sells and says, in English and French."""

from dataclasses import dataclass
from decimal import Decimal

HOME = {
    "en": {
        "title": "Pots from the edge of the wood",
        "slug": "home",
        "intro": "Stoneware mugs, bowls and vases, thrown by hand and glazed in the colours of the forest.",
        "about": "<p>We are three potters, two kilns and one cat, in an old sawmill where the road ends. "
        "Each piece is thrown, trimmed and dipped by hand, so no two are quite alike. Everything we sell "
        "can go in the dishwasher; nothing we sell needs to be saved for Sunday.</p>",
    },
    "fr": {
        "title": "La terre, à l’orée du bois",
        "slug": "accueil",
        "intro": "Tasses, bols et vases en grès, tournés à la main, émaillés aux couleurs de la forêt.",
        "about": "<p>Nous sommes trois potiers, deux fours et un chat, dans une ancienne scierie au bout de "
        "la route. Chaque pièce est tournée, tournassée et trempée à la main : il n’y en a pas deux "
        "pareilles. Tout passe au lave-vaisselle, et rien n’est à garder pour le dimanche.</p>",
    },
}


@dataclass(frozen=True)
class Words:
    """A product in one language."""

    title: str
    slug: str
    summary: str
    description: str
    glazes: tuple = ()


@dataclass(frozen=True)
class Product:
    sku: str
    picture: str
    price: Decimal
    en: Words
    fr: Words
    vat_rate: Decimal = Decimal(21)
    unit: str = "piece"


PRODUCTS = [
    Product(
        "MUG-F",
        "mug",
        Decimal("18.50"),
        Words(
            "Forest mug",
            "forest-mug",
            "350 ml, three firs, one good handle",
            "<p>Our first piece and still the one we drink from. The handle takes three fingers, the foot "
            "is left unglazed so that you feel the clay.</p><ul><li>350 ml, 9 cm high</li>"
            "<li>Dishwasher and microwave</li></ul>",
            ("Moss", "Night blue", "Snow"),
        ),
        Words(
            "Tasse Forêt",
            "tasse-foret",
            "350 ml, trois sapins, une bonne anse",
            "<p>Notre première pièce, celle où nous buvons encore. L’anse accueille trois doigts, le pied "
            "reste nu pour sentir la terre.</p><ul><li>350 ml, 9 cm de haut</li>"
            "<li>Lave-vaisselle et micro-ondes</li></ul>",
            ("Mousse", "Bleu nuit", "Neige"),
        ),
    ),
    Product(
        "ESP-2",
        "espresso",
        Decimal("26.00"),
        Words(
            "Espresso pair",
            "espresso-pair",
            "Two cups of 90 ml, dipped heads and tails",
            "<p>Two little cups without handles, one dipped from below, one from above. They stack, and they "
            "keep a short coffee warm as long as it lasts.</p><ul><li>90 ml each</li>"
            "<li>Sold as a pair</li></ul>",
        ),
        Words(
            "Duo espresso",
            "duo-espresso",
            "Deux gobelets de 90 ml, trempés tête-bêche",
            "<p>Deux petits gobelets sans anse, l’un trempé par le bas, l’autre par le haut. Ils s’empilent "
            "et gardent un café court au chaud le temps qu’il dure.</p><ul><li>90 ml chacun</li>"
            "<li>Vendus par deux</li></ul>",
        ),
    ),
    Product(
        "BOWL-L",
        "bowl",
        Decimal("42.00"),
        Words(
            "Lake bowl",
            "lake-bowl",
            "For fruit, salad or a lot of soup",
            "<p>A wide bowl in a slate blue that pools darker towards the bottom, like the lake behind the "
            "studio. Two thin rings show where the potter's finger stayed a moment longer.</p>"
            "<ul><li>26 cm across, 11 cm high</li></ul>",
            ("Lake", "Sand"),
        ),
        Words(
            "Saladier Lac",
            "saladier-lac",
            "Pour les fruits, la salade ou beaucoup de soupe",
            "<p>Un grand bol d’un bleu ardoise qui fonce vers le fond, comme le lac derrière l’atelier. Deux "
            "filets montrent où le doigt du potier s’est attardé.</p><ul><li>26 cm de diamètre, 11 cm de "
            "haut</li></ul>",
            ("Lac", "Sable"),
        ),
    ),
    Product(
        "PLATE-B",
        "plate",
        Decimal("24.00"),
        Words(
            "Branch plate",
            "branch-plate",
            "A dinner plate with one painted branch",
            "<p>Cream glaze, a green rim, and a branch painted with three strokes of the brush. No two "
            "branches are the same.</p><ul><li>27 cm across</li></ul>",
        ),
        Words(
            "Assiette Rameau",
            "assiette-rameau",
            "Une assiette plate et un rameau peint",
            "<p>Émail crème, liseré vert et un rameau peint en trois coups de pinceau. Il n’y a pas deux "
            "rameaux pareils.</p><ul><li>27 cm de diamètre</li></ul>",
        ),
    ),
    Product(
        "VASE-E",
        "vase",
        Decimal("58.00"),
        Words(
            "Ember vase",
            "ember-vase",
            "Round belly, narrow neck, three rings",
            "<p>Iron red, fired for two days. The neck holds three branches upright; more would be showing "
            "off.</p><ul><li>24 cm high</li><li>Watertight</li></ul>",
        ),
        Words(
            "Vase Braise",
            "vase-braise",
            "Ventre rond, col étroit, trois filets",
            "<p>Rouge de fer, deux jours de cuisson. Le col tient trois branches bien droites ; davantage, "
            "ce serait de la vanité.</p><ul><li>24 cm de haut</li><li>Étanche</li></ul>",
        ),
    ),
    Product(
        "TEAPOT",
        "teapot",
        Decimal("89.00"),
        Words(
            "Clearing teapot",
            "clearing-teapot",
            "One litre, bamboo handle, does not drip",
            "<p>It took us two years to make a spout that does not drip, and this is it. The bamboo handle "
            "stays cool.</p><ul><li>1 litre</li><li>With a strainer of the same clay</li></ul>",
        ),
        Words(
            "Théière Clairière",
            "theiere-clairiere",
            "Un litre, anse en bambou, ne goutte pas",
            "<p>Il nous a fallu deux ans pour un bec qui ne goutte pas : le voici. L’anse en bambou reste "
            "fraîche.</p><ul><li>1 litre</li><li>Avec un filtre de la même terre</li></ul>",
        ),
    ),
    Product(
        "JUG-D",
        "jug",
        Decimal("46.50"),
        Words(
            "Dairy jug",
            "dairy-jug",
            "1.2 litres, dipped once in blue",
            "<p>A jug for water, wine or wild flowers, with the generous lip of an old dairy jug.</p>"
            "<ul><li>1.2 litres, 21 cm high</li></ul>",
        ),
        Words(
            "Pichet Laiterie",
            "pichet-laiterie",
            "1,2 litre, trempé une fois dans le bleu",
            "<p>Pour l’eau, le vin ou les fleurs des champs, avec le bec généreux des anciens pichets à "
            "lait.</p><ul><li>1,2 litre, 21 cm de haut</li></ul>",
        ),
    ),
    Product(
        "CLAY-R",
        "clay",
        Decimal("4.90"),
        Words(
            "Red stoneware clay",
            "red-stoneware-clay",
            "The clay we use, cut to the weight you like",
            "<p>Fine red stoneware with a little grog, ready to throw. Say how much you want, to the gram: "
            "we cut it with the wire and wrap it damp.</p><ul><li>Fires from 1180 to 1260 °C</li></ul>",
        ),
        Words(
            "Terre à grès rouge",
            "terre-a-gres-rouge",
            "Notre terre, coupée au poids qu’il vous faut",
            "<p>Grès rouge fin, légèrement chamotté, prêt à tourner. Dites combien, au gramme près : nous "
            "coupons au fil et emballons humide.</p><ul><li>Cuisson de 1180 à 1260 °C</li></ul>",
        ),
        unit="kg",
    ),
    Product(
        "BOOK-G",
        "notebook",
        Decimal("22.00"),
        Words(
            "The glaze book",
            "glaze-book",
            "Forty recipes, with the failures left in",
            "<p>Forty glazes from our own notebook, with photographs of what went wrong and why.</p>"
            "<ul><li>128 pages, sewn</li></ul>",
        ),
        Words(
            "Le carnet d’émaux",
            "carnet-d-emaux",
            "Quarante recettes, ratés compris",
            "<p>Quarante émaux tirés de notre propre carnet, avec en photo ce qui a raté et pourquoi.</p>"
            "<ul><li>128 pages, cousues</li></ul>",
        ),
        vat_rate=Decimal(6),
    ),
]

SHIPPING_METHODS = [
    {
        "name": "bpost",
        "carrier": "bpost",
        "price": Decimal("5.00"),
        "tracking_url_template": "https://track.bpost.cloud/btr/web/#/search?itemCode={number}&lang={language}",
    },
    {
        "name": "PostNL",
        "carrier": "postnl",
        "price": Decimal("6.50"),
        "tracking_url_template": "https://jouw.postnl.nl/track-and-trace/{number}-{country}-{postcode}",
    },
    {
        "name": "DHL",
        "carrier": "dhl",
        "price": Decimal("12.00"),
        "tracking_url_template": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}&submit=1",
    },
    {
        "name": "Pick-up · Retrait à l’atelier",
        "carrier": "",
        "price": Decimal(0),
        "tracking_url_template": "",
    },
]

SHOP = {
    "shop_name": "Atelier Forêt",
    "address": "Chemin de la Scierie 7\n6890 Libin\nBelgique",
    "vat_number": "BE 0123.456.749",
    "registration_number": "RPM Liège, division Neufchâteau",
    "bank_details": "Atelier Forêt\nIBAN BE68 5390 0754 7034\nBIC GKCCBEBB",
    "sender": "atelier@example.com",
    "recipients": "owner@example.com",
    "color": "#2c5a43",
    "footer": "Grès tourné et cuit à l’orée du bois · Stoneware from the edge of the wood",
}
