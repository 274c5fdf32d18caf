"""The values of a trust root: who exists, what they may sign, which environments and policies there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.trust.reasons import UNKNOWN_AGENT, UNKNOWN_ENVIRONMENT
from bspec_opa.trust.revocation import COMPROMISED, KEY, Revocation, TreeHead
from bspec_opa.trust.root_rules import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.adoption import Adoption
    from bspec_opa.trust.currency.demand import Currency
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.publisher import Publisher
    from bspec_opa.trust.witnesses import Witness, Witnesses


@dataclass(frozen=True, slots=True)
class RootKey:
    """A key and its one purpose: ``root``, ``record``, ``gate``, ``ledger``, ``witness`` or ``head``."""

    public: PublicKey
    purpose: str


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or machine; all its keys count as one (attack A12). ``group`` is its team."""

    id: str
    group: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for agents in environments; ``("*",)`` means all."""

    principal: str
    role: str
    agents: tuple[str, ...]
    environments: tuple[str, ...]

    def covers(self, agent: str, environment: str | None) -> bool:
        """Whether it holds there; no environment asks for any."""
        there = environment is None or ANY in self.environments or environment in self.environments
        return there and (ANY in self.agents or agent in self.agents)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent id and the principals or groups that may submit it."""

    id: str
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """A controlled environment.

    Attributes:
        id: its name.
        from_: the environment whose current line it promotes, or ``""``.
        assurance: the least that a decision needs: ``asserted``, ``measured`` or ``cross-checked``.
        mandatory_rules: rule ids that must have run, whatever the bundle says.
        adoption: which agents may enter without a source, until when and by whose approval; None: none may.
    """

    id: str
    from_: str
    assurance: str
    mandatory_rules: tuple[str, ...]
    adoption: Adoption | None = None


@dataclass(frozen=True, slots=True)
class AcceptedBundle:
    """A policy bundle that may decide: its name, revision and the SHA-256 of its uncompressed tar."""

    name: str
    revision: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class LedgerTrust:
    """The ledger's C2SP origin and the keys that may sign its checkpoints."""

    origin: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Index:
    """Look-up tables, built once."""

    principals: Mapping[str, Principal]
    owners: Mapping[str, Principal]
    grants: Mapping[str, tuple[Grant, ...]]
    agents: Mapping[str, Agent]
    environments: Mapping[str, Environment]
    policies: Mapping[str, tuple[AcceptedBundle, ...]]
    revoked: Mapping[tuple[str, str], Revocation]


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """One version of the trust root.

    Attributes:
        domain: keeps the records of one project out of another.
        version: from 1.
        previous_digest: digest of the version before, 64 zeros for version 1.
        issued_unix: from when it holds, inclusive.
        expires_unix: until when it holds, exclusive.
        root_threshold: how many distinct owners of ``root_keys`` sign the next version.
        keys: all keys by id.
        digest: SHA-256 of the payload; of version 1 it is the pin.
        authenticated: whether it was walked from a pin; if not, its word is advisory.
        payload: the exact signed bytes.
        publishers: whose signed bundles may decide, by environment.
        witnesses: what is demanded of the ledger's head; None if nothing is.
        currency: where a statement of what is current is demanded, and whose counts; None if nowhere.
    """

    domain: str
    version: int
    previous_digest: Digest
    issued_unix: int
    expires_unix: int
    root_threshold: int
    root_keys: tuple[str, ...]
    keys: Mapping[str, RootKey]
    principals: tuple[Principal, ...]
    grants: tuple[Grant, ...]
    agents: tuple[Agent, ...]
    environments: tuple[Environment, ...]
    policies: Mapping[str, tuple[AcceptedBundle, ...]]
    ledger: LedgerTrust
    revoked: tuple[Revocation, ...]
    digest: Digest
    authenticated: bool
    payload: bytes = field(repr=False)
    publishers: Mapping[str, tuple[Publisher, ...]] = field(default_factory=dict)
    witnesses: Witnesses | None = None
    currency: Currency | None = None
    _index: _Index = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = _Index(
            principals={p.id: p for p in self.principals},
            owners={k: p for p in self.principals for k in p.keys},
            grants=_by_principal(self.grants),
            agents={a.id: a for a in self.agents},
            environments={e.id: e for e in self.environments},
            policies=self.policies,
            revoked={(r.kind, r.id): r for r in self.revoked},
        )
        object.__setattr__(self, "_index", index)

    def knows_environment(self, environment: str) -> bool:
        """Whether the environment is declared."""
        return environment in self._index.environments

    def environment(self, environment: str) -> Environment:
        """The environment with this id.

        Raises:
            InvalidInputError: the root doesn't know it; the hint has the nearest name.
        """
        found = self._index.environments.get(environment)
        if found is None:
            hint = did_you_mean(environment, self._index.environments)
            raise UNKNOWN_ENVIRONMENT.error(f'unknown environment "{environment[:80]}"', hint=hint)
        return found

    def knows_agent(self, agent: str) -> bool:
        """Whether the agent is registered; the starter root knows every agent."""
        return agent in self._index.agents or ANY in self._index.agents

    def agent(self, agent: str) -> Agent:
        """The agent with this id.

        Raises:
            InvalidInputError: the root doesn't know it; the hint has the nearest name.
        """
        found = self._index.agents.get(agent)
        if found is not None:
            return found
        if ANY in self._index.agents:
            return Agent(agent, self._index.agents[ANY].owners)
        names = did_you_mean(agent, self._index.agents)
        remedy = "add it under agents in trust.yaml, then bspec-opa trust renew trust.yaml --key …"
        hint = f"{names} Or {remedy}" if names.endswith("?") else f"{names}; {remedy}"
        raise UNKNOWN_AGENT.error(f'unknown agent "{agent[:80]}"', hint=hint)

    def principal(self, principal: str) -> Principal | None:
        """The principal with this id."""
        return self._index.principals.get(principal)

    def principal_of(self, keyid: str) -> Principal | None:
        """Whose key it is: identity comes from here and nowhere else (attack A13)."""
        return self._index.owners.get(keyid)

    def roles_of(self, principal: str, agent: str, environment: str | None) -> frozenset[str]:
        """The roles of a principal for an agent in an environment; ``None`` asks for any environment."""
        grants = self._index.grants.get(principal, ())
        return frozenset(g.role for g in grants if g.covers(agent, environment))

    def owns(self, principal: str, agent: str) -> bool:
        """Whether a principal, or its group, owns an agent."""
        who, what = self._index.principals.get(principal), self._index.agents.get(agent)
        return who is not None and what is not None and bool({who.id, who.group} & set(what.owners))

    def accepted_bundles(self, environment: str) -> tuple[AcceptedBundle, ...]:
        """The policy bundles that may decide for an environment; none if the root lists none."""
        return self._index.policies.get(environment, ())

    def publishers_of(self, environment: str) -> tuple[Publisher, ...]:
        """The publishers whose signed bundles may decide for an environment; none whose key is revoked."""
        found = self.publishers.get(environment, ())
        return tuple(p for p in found if self.revocation("key", p.key.fingerprint) is None)

    def checkpoint_keys(self) -> tuple[PublicKey, ...]:
        """The ledger's keys that aren't revoked."""
        return tuple(self.keys[k].public for k in self.ledger.keys if self.revocation("key", k) is None)

    def cosigners(self) -> tuple[Witness, ...]:
        """The witnesses whose keys aren't revoked; none if the root demands none."""
        members = self.witnesses.members if self.witnesses else ()
        return tuple(w for w in members if self.revocation(KEY, w.key.keyid) is None)

    def head_keys(self) -> tuple[PublicKey, ...]:
        """The keys that sign head statements and aren't revoked; none if the root knows no such statements."""
        keys = self.currency.keys if self.currency else ()
        return tuple(k for k in keys if self.revocation(KEY, k.keyid) is None)

    def former_checkpoint_keys(self) -> tuple[tuple[PublicKey, TreeHead], ...]:
        """The ledger's keys that are revoked from a place on, each with the one tree head that it still vouches for."""
        found = [(k, self.revocation(KEY, k)) for k in self.ledger.keys]
        return tuple((self.keys[k].public, r.last_good) for k, r in found if r is not None and r.last_good is not None)

    def revocation(self, kind: str, identifier: str, seq: int | None = None) -> Revocation | None:
        """The revocation of a ``key`` (64 digits) or ``record`` (digest), if there is one.

        Args:
            kind: ``key`` or ``record``.
            identifier: which one.
            seq: the ledger entry that is asked about, where a key may still count.
        """
        found = self._index.revoked.get((kind, identifier))
        return found if found is not None and found.holds_for(seq) else None

    def tree_heads(self) -> tuple[TreeHead, ...]:
        """The places that revocations name: every ledger under this root begins with exactly these trees."""
        found = {r.last_good for r in self.revoked if r.last_good is not None}
        return tuple(sorted(found, key=lambda h: h.tree_size))

    def compromised(self) -> tuple[Revocation, ...]:
        """The revocations that void what was decided after their place."""
        return tuple(r for r in self.revoked if r.mode == COMPROMISED)


def _by_principal(grants: Iterable[Grant]) -> Mapping[str, tuple[Grant, ...]]:
    found: dict[str, list[Grant]] = {}
    for grant in grants:
        found.setdefault(grant.principal, []).append(grant)
    return {principal: tuple(held) for principal, held in found.items()}
