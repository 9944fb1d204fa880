"""Invented people and companies of the countries Marlow Scheduling sells to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """`weight`: how many leads come from there, relative to the others."""

    code: str
    weight: int
    domain: str
    time_zone: str
    language: str
    dial: str
    first: tuple[str, ...]
    last: tuple[str, ...]
    cities: tuple[str, ...]
    companies: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


COUNTRIES = (
    Country(
        "NL",
        20,
        "nl",
        "Europe/Amsterdam",
        "nl",
        "+3110",
        _words("Sanne Daan Femke Bram Lotte Sem Fleur Thijs Noa Ruben Anouk Jasper Eva Lars Maud"),
        _words("de_Vries Jansen Bakker Visser Smit Meijer Mulder Bos Hendriks Dekker Kuipers Post"),
        _words("Rotterdam Utrecht Eindhoven Groningen Breda Zwolle Tilburg Arnhem"),
        _words("Maasdok Veldhoven_Zorg Poldervers Noordkade Hansa_Koel Vliet_Logistiek Duinrand"),
    ),
    Country(
        "DE",
        18,
        "de",
        "Europe/Berlin",
        "de",
        "+4940",
        _words("Lena Jonas Marie Felix Hannah Paul Clara Moritz Greta Anton Ida Nils Frieda Emil"),
        _words("Weber Schulz Hoffmann Koch Richter Wolf Neumann Krause Vogel Brandt Lorenz Seidel"),
        _words("Hamburg Stuttgart Leipzig Bremen Kassel Dortmund Regensburg Kiel"),
        _words("Elbtal_Kliniken Nordhafen Rheinwerk Almgut Spreetal_Bau Harzer_Papier Isarpflege"),
    ),
    Country(
        "GB",
        17,
        "co.uk",
        "Europe/London",
        "en",
        "+44117",
        _words("Olivia Harry Amelia George Isla Jack Freya Arthur Ivy Oscar Poppy Theo Maya Hugo"),
        _words("Whitaker Hughes Rowe Bennett Marsh Fletcher Okoro Patel Ellis Shaw Doyle Prior"),
        _words("Bristol Leeds Cardiff Southampton Glasgow Norwich Sheffield Exeter"),
        _words("Fernleigh_Care Quayside_Dental Northgate_Haulage Pennine_Foods Solent_Marine"),
    ),
    Country(
        "FR",
        11,
        "fr",
        "Europe/Paris",
        "fr",
        "+33472",
        _words("Camille Hugo Manon Louis Inès Jules Chloé Gabriel Léa Arthur Zoé Raphaël Alice"),
        _words("Martin Dubreuil Lefèvre Moreau Girard Roussel Aubert Perrin Marchand Fontaine"),
        _words("Lyon Nantes Lille Toulouse Rennes Dijon Grenoble Bordeaux"),
        _words("Marjolaine Garonne_Services Cliniques_du_Rhône Loire_Frais Alpes_Transport"),
    ),
    Country(
        "SE",
        8,
        "se",
        "Europe/Stockholm",
        "sv",
        "+4640",
        _words("Elsa Oskar Astrid Axel Saga Viktor Ebba Hugo Signe Elias Freja Nils Tuva"),
        _words("Lindholm Hallström Berg Sandberg Nyström Ekman Sjöberg Åkesson Wallin Norén"),
        _words("Malmö Göteborg Karlstad Luleå Uppsala Västerås Örebro"),
        _words("Vänern_Papper Skåne_Vård Norrlog Öresund_Terminal Mälar_Energi"),
    ),
    Country(
        "ES",
        7,
        "es",
        "Europe/Madrid",
        "es",
        "+3495",
        _words("Lucía Hugo Sofía Mateo Ana Pablo Carla Diego Elena Javier Marta Álvaro"),
        _words("Ortega Mendizábal Serrano Vidal Castro Navarro Iglesias Molina Ramos Gil"),
        _words("Sevilla Bilbao Valencia Zaragoza Málaga Vigo Murcia"),
        _words("Mercados_Olivar Norte_Ferrovial Hoteles_Brisa Levante_Frío Clínica_Aljarafe"),
    ),
    Country(
        "IT",
        6,
        "it",
        "Europe/Rome",
        "it",
        "+39045",
        _words("Giulia Luca Sara Marco Chiara Matteo Elisa Andrea Marta Davide Irene Paolo"),
        _words("Conti Moretti Ferrari Gallo Costa Fontana Rinaldi Greco Leone Villa"),
        _words("Verona Bologna Torino Bari Padova Genova Trieste"),
        _words("Officine_Brennero Riva_Hotels Adriatica_Trasporti Casa_Serena Molini_Po"),
    ),
    Country(
        "PL",
        6,
        "pl",
        "Europe/Warsaw",
        "pl",
        "+4858",
        _words("Zofia Jakub Julia Antoni Maja Szymon Hanna Filip Alicja Michał Lena Piotr"),
        _words("Wiśniewski Nowak Kowalczyk Zieliński Mazur Krawczyk Dudek Pawlak Sikora Baran"),
        _words("Gdańsk Poznań Kraków Łódź Wrocław Lublin Szczecin"),
        _words("Północ_Foods Baltic_Spedycja Wisła_Opieka Tatry_Resort Odra_Stal"),
    ),
    Country(
        "BE",
        4,
        "be",
        "Europe/Brussels",
        "nl",
        "+323",
        _words("Emma Lucas Louise Arthur Marie Noah Elise Pieter Julie Wout"),
        _words("Claes Peeters Maes Jacobs Willems Goossens Wouters Lambert"),
        _words("Antwerpen Gent Luik Brugge Leuven"),
        _words("Scheldt_Koelhuis Ardenne_Soins Vlaamse_Groep Kempen_Transport"),
    ),
    Country(
        "DK",
        3,
        "dk",
        "Europe/Copenhagen",
        "da",
        "+4533",
        _words("Ida Søren Freja Mikkel Alma Rasmus Clara Jeppe Agnes Kasper"),
        _words("Kjær Nielsen Holm Møller Lund Krogh Dahl Winther"),
        _words("København Aarhus Odense Aalborg Esbjerg"),
        _words("Øresund_Drift Jysk_Pleje Limfjord_Fragt Havn_og_Lager"),
    ),
)

SUFFIXES = ("", "", " Group", " Services", " International", " Holding")

INDUSTRIES: dict[str, int] = {
    "Logistics": 24,
    "Health care": 20,
    "Hospitality": 15,
    "Retail": 12,
    "Manufacturing": 10,
    "Food production": 7,
    "Security services": 5,
    "Public transport": 4,
    "Education": 2,
    "Consulting": 1,
}

TITLES: dict[str, int] = {
    "Head of Operations": 14,
    "HR Director": 12,
    "Workforce Planner": 12,
    "Chief Operating Officer": 7,
    "Operations Manager": 14,
    "Plant Manager": 8,
    "Regional Manager": 7,
    "Managing Director": 6,
    "People Partner": 6,
    "Shift Supervisor": 6,
    "Office Manager": 4,
    "IT Manager": 4,
    "Chief Financial Officer": 4,
    "Student": 2,
}

MESSAGES = (
    "We plan {staff} people over {sites} sites in a spreadsheet, and swaps go wrong every week.",
    "Overtime has crept past {percent}%. Can your planner warn before it happens?",
    "Our works council asks for rest-time rules in the rota. How do you handle the 11 hours?",
    "We compare three planning tools before our budget round next month. Can we see a demo?",
    "Payroll export is what we need most. Do you support our provider?",
    "We open two more sites in spring and the present tool cannot plan across sites.",
    "Please send a price for {staff} employees.",
    "Night shifts are hard to fill. A colleague at another company recommended you.",
    "Is there an app for swapping shifts, and does it work offline?",
    "We lost two planners this year and need something that new people learn in a day.",
)
