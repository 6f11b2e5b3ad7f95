"""The policies that the processes of one command judge by: read once, and again when the operator says so (SIGHUP)."""

from collections.abc import Collection

import structlog

from broker.app import build_services
from broker.audit.policy_changes import tell_logs
from broker.edge.services import Services
from broker.errors import BrokerError
from broker.policy import Catalogue
from broker.policy.loading import load_catalogue
from broker.settings import Settings
from broker.telemetry import begin_context

_log = structlog.get_logger(__name__)


class PoliciesInUse:
    """One set of policies, which all workers of a parent are given: none of them reads the files itself.

    Only a command that judges by them `tells` the logs: another one may not have heard yet that they are others.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, *, tells: bool) -> None:
        self._settings = settings
        self.catalogue = catalogue
        self._tells = tells
        self._untold: tuple[str, ...] | None = None  # the logs that failed; None before the first time

    def tell(self, services: Services) -> None:
        """Write into the logs that these are the policies from now on; those that could not be written, when repeated.

        Raises:
            StorageUnavailable: the database cannot be read.
        """
        if self._untold != ():
            self._untold = self._tell(services, self.catalogue, self._untold or ())

    def renew(self) -> bool:
        """Read the files again. A set that cannot be used is told in the log, and the old one stays (False)."""
        try:
            found = load_catalogue(self._settings.policies_dir)
            services = build_services(self._settings, catalogue=found)
            try:
                failed = self._tell(services, found)  # before anything is judged by it
            finally:
                services.close()
        except BrokerError as error:
            return self._keep(error.code, error.detail)
        except Exception as error:  # noqa: BLE001 - whatever a file brings about, those that judge go on
            return self._keep(BrokerError.code, type(error).__name__)
        self.catalogue, self._untold = found, failed
        _log.info("policies.renewed", policy=found.digest)
        return True

    def _tell(self, services: Services, catalogue: Catalogue, failed_before: Collection[str] = ()) -> tuple[str, ...]:
        try:
            return tell_logs(services.sequencer, catalogue, failed_before) if self._tells else ()
        finally:
            begin_context()  # what this process says next is about no entry

    def _keep(self, code: str, mistake: str) -> bool:
        _log.error("policies.kept", code=code, mistake=mistake, policy=self.catalogue.digest)
        return False
