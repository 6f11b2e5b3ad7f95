"""Who may sign in, kept in step with the configuration and with the people somebody has loaded."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from broker.sandbox.bank.config import BankConfig, SignIn
from broker.sandbox.bank.models import Login
from broker.sandbox.people.own_people import OwnPerson
from broker.sandbox.people.persona import stable_digits
from broker.sandbox.people.roster import personas_of

# Quick, so that a bank with many customers starts quickly: the passwords are random, and stand in clear in the
# configuration next to the database anyway.
_METHOD = "scrypt:1024:8:1"
# Checked when the username is unknown, so that an answer takes as long for strangers as for customers.
_NOBODY = generate_password_hash("nobody has this password", _METHOD)


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in, or who a token stands for."""

    subject: str
    first_name: str
    last_name: str
    role: str | None

    @property
    def name(self) -> str:
        """Return the name as it is printed."""
        return f"{self.first_name} {self.last_name}".strip()


def enrol(session: Session, config: BankConfig, own: Iterable[tuple[OwnPerson, SignIn]]) -> None:
    """Write the configured customers and staff and the own people; whoever is among neither can no longer sign in."""
    people = {persona.username: persona for persona in personas_of(config.bank_id)}
    known = {login.username: login for login in session.scalars(select(Login))}
    for customer in config.customers:
        persona = people[customer.username]
        person = Person(persona.subject, persona.first_name, persona.last_name, None)
        _write(session, known.pop(customer.username, None), customer, person)
    for somebody, sign_in in own:
        person = Person(somebody.subject, somebody.name, "", None)
        _write(session, known.pop(sign_in.username, None), sign_in, person)
    for member in config.staff:
        subject = f"{config.bank_id[:1]}b-{stable_digits(config.bank_id, 'staff', member.username)}"
        person = Person(subject, member.name or member.username, "", member.role)
        _write(session, known.pop(member.username, None), member, person)
    session.execute(delete(Login).where(Login.username.in_(known)))


def _write(session: Session, login: Login | None, sign_in: SignIn, person: Person) -> None:
    if login is None:
        login = Login(username=sign_in.username, password_hash=generate_password_hash(sign_in.password, _METHOD))
        session.add(login)
    elif not check_password_hash(login.password_hash, sign_in.password):
        login.password_hash = generate_password_hash(sign_in.password, _METHOD)
    login.subject, login.role = person.subject, person.role
    login.first_name, login.last_name = person.first_name, person.last_name


def identify(session: Session, username: str, password: str) -> Person | None:
    """Return who signs in with this username and password, or None."""
    login = session.get(Login, username)
    matches = check_password_hash(_NOBODY if login is None else login.password_hash, password)
    return _person(login) if login is not None and matches else None


def find_customer(session: Session, username: str) -> Person | None:
    """Return the customer who signs in with this username, or None; staff are none."""
    person = _person(session.get(Login, username))
    return person if person is not None and person.role is None else None


def find_person(session: Session, subject: str) -> Person | None:
    """Return who has this subject, or None."""
    return _person(session.scalar(select(Login).where(Login.subject == subject)))


def _person(login: Login | None) -> Person | None:
    return None if login is None else Person(login.subject, login.first_name, login.last_name, login.role)
