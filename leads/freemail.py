"""Mail providers that anybody may use: their domains say nothing about a person's company."""

FREE_PROVIDERS = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.fr live.com msn.com
    yahoo.com yahoo.co.uk yahoo.fr yahoo.de ymail.com icloud.com me.com mac.com aol.com gmx.de
    gmx.net gmx.at gmx.com web.de t-online.de freenet.de proton.me protonmail.com pm.me zoho.com
    mail.com mail.ru yandex.ru yandex.com qq.com 163.com 126.com orange.fr free.fr laposte.net
    wanadoo.fr sfr.fr libero.it virgilio.it tiscali.it ziggo.nl kpnmail.nl xs4all.nl planet.nl
    telenet.be skynet.be bluewin.ch seznam.cz wp.pl o2.pl onet.pl interia.pl fastmail.com hey.com
    tutanota.com duck.com
    """.split()
)


def is_free_provider(domain: str) -> bool:
    return domain in FREE_PROVIDERS
