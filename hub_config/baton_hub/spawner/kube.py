"""Servers as pods on Kubernetes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from html import escape
from typing import Any
from urllib.parse import quote

from jupyterhub.utils import url_path_join, wait_for_http_server
from kubernetes_asyncio.client import ApiException
from traitlets import Bool, Integer, List, Unicode

from baton_contract import ConflictError, PublicError
from baton_hub.booking import Booking
from baton_hub.cluster.pod import PodRules, differences
from baton_hub.policy import ServerSpec
from baton_hub.spawner.curated import CuratedSpawner
from baton_hub.spawner.manifest import apply_spec, literal, secret_variable
from baton_hub.spawner.progress import render_step
from baton_hub.spawner.refusal import refusal
from baton_hub.spawner.trouble import Trouble, public_error, read_refusal, read_trouble, sentence
from baton_hub.spawner.vigil import Vigil
from baton_hub.spawner.watched import NO_ANSWER, WatchedKubeSpawner

LOOK = 0.5
"""Seconds between two looks at what KubeSpawner's own watch has learnt; asks nobody."""


class CuratedKubeSpawner(CuratedSpawner, WatchedKubeSpawner):
    """Starts a person's server as a pod: the image, by digest, and resources that policy resolved.

    The finished pod is compared with the decision once more before it is sent, after
    every other setting and hook had its turn. While it comes up, what the cluster says
    of it is read; what will not pass ends the start at once, with one sentence.
    `KubeSpawner.profile_list` is not used.
    """

    helper_images = List(
        Unicode(),
        help="Images, letter for letter, that containers beside the server may have: init"
        " containers, sidecars, image volumes. Any other image but the profile's is refused.",
    ).tag(config=True)
    use_priority_classes = Bool(
        False,
        help="Give a pod the priority class of its group. `baton catalog render` writes the"
        " classes; they have to exist in the cluster first, or every pod is refused.",
    ).tag(config=True)
    full_cluster_patience = Integer(
        240,
        min=0,
        help="Seconds that a pod waits for a machine with room, such as one that an autoscaler"
        " adds. start_timeout has to be larger, or it ends the start before.",
    ).tag(config=True)

    _sent = ""
    """The decision whose pod was last compared and sent."""

    @property
    def pod_rules(self) -> PodRules:
        """What operations decided for all pods."""
        return PodRules(frozenset(self.helper_images), self.use_priority_classes)

    async def load_user_options(self) -> None:
        """Decide, and set what has one place only; KubeSpawner calls this as a start begins."""
        spec = await self.decide()
        self.image = spec.image
        self.cpu_limit = self.cpu_guarantee = spec.amount.cpu
        self.mem_limit = self.mem_guarantee = spec.amount.memory

    async def get_pod_manifest(self) -> Any:
        """Return the pod of the Hub's configuration, with the decision written into it."""
        spec, booking = self._decided
        pod = await super().get_pod_manifest()
        apply_spec(pod, spec, booking, self.pod_rules, self.plain)
        return pod

    def own_env(self) -> dict[str, Any]:
        """Return the platform's variables: values literally, secrets by reference."""
        env = {name: literal(value) for name, value in super().own_env().items()}
        secrets = self.spec.secrets if self.spec else {}
        return {**env, **{name: secret_variable(name, kept) for name, kept in secrets.items()}}

    async def start(self) -> str:
        """Start the server and return its address; raises a refusal as soon as there is no hope.

        It has answered by then. JupyterHub waits for that after the start, when it no
        longer looks whether the pod still runs.
        """
        self._sent = ""
        starting = asyncio.ensure_future(self._come_up())
        watching = asyncio.ensure_future(self._watch())
        both: set[asyncio.Future[Any]] = {starting, watching}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                # The Hub's stop leaves a pod alone that has failed already.
                await self.delete_own_pod()
                raise self._in_words(watching.result())
            url = starting.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        self.note_start()
        return url

    async def _come_up(self) -> str:
        try:
            url: str = await super().start()
        except (ApiException, *NO_ANSWER) as error:
            if self.spec is None:  # It did not come to asking the cluster.
                raise
            raise self._in_words(read_refusal(error)) from None
        if self._sent != self._decided[1].id:
            raise RuntimeError("KubeSpawner sent a pod that was not compared with the decision")
        try:
            await self._answers(url)
        except TimeoutError as error:
            await self.delete_own_pod()
            raise self._in_words(Trouble("server_slow", str(error))) from None
        return url

    async def _answers(self, url: str) -> None:
        """Return once the server answers. With the Hub's own certificates only the Hub can ask."""
        if self.server is not None and not self.internal_ssl:
            where = url_path_join(url, self.server.base_url, "api")
            await wait_for_http_server(where, timeout=self.http_timeout)

    async def _watch(self) -> Trouble:
        """Return the trouble that ends the start, as soon as there is one."""
        # Early enough that the Hub has not yet given up, and can still say why.
        limit = max(self.start_timeout - 5, self.start_timeout * 0.8)
        vigil = Vigil(time.monotonic(), self.full_cluster_patience, limit)
        while True:
            pod = self.pod_of(self.booking.id) if self.booking else None
            if trouble := vigil.look(pod, time.monotonic()):
                return trouble
            await asyncio.sleep(LOOK)

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        """Compare the pod with the decision, and create it; False: try again.

        In place of KubeSpawner's own, which writes a refused pod with its tokens into the log.
        """
        self._check(pod)
        try:
            async with asyncio.timeout(request_timeout):
                await self.api.create_namespaced_pod(self.namespace, pod)
        except TimeoutError:
            return False
        except ApiException as error:
            if error.status != 409:
                raise self._in_words(read_refusal(error)) from None
            self.log.info("A pod %s is there already, and is deleted first", self.pod_name)
            await WatchedKubeSpawner.stop(self, True)
            return False
        return True

    def _check(self, pod: Any) -> None:
        spec, booking = self._decided
        if found := "; ".join(differences(self.plain(pod), spec, self.pod_rules)):
            error = ConflictError(
                "pod_differs",
                "A setting of this Hub makes the server something that is not in the catalogue:"
                f" {found}. Nothing was started. Please tell {self.contact}.",
            )
            raise self._refused(error, found)
        self._sent = booking.id

    @property
    def _decided(self) -> tuple[ServerSpec, Booking]:
        if self.spec is None or self.booking is None:
            raise RuntimeError("a pod was made without a decision")
        return self.spec, self.booking

    def _in_words(self, trouble: Trouble) -> Exception:
        spec = self._decided[0]
        told = sentence(trouble.code, spec, self.contact, self._in_need(spec, trouble))
        return self._refused(public_error(trouble, told), trouble.detail)

    def _refused(self, error: PublicError, detail: str) -> Exception:
        self.trouble_code = error.code
        self.log.error("The server of %s: %s: %s", self._log_name, error.code, detail)
        exception: Any = refusal(error, self._hub_settings())
        # The page that shows progress has no way back of its own.
        again = "/".join(quote(part, safe="@~") for part in ("spawn", self.user.name, self.name))
        link = f'<a href="{escape(self.hub.base_url)}{again}">Choose again</a>'
        exception.jupyterhub_html_message = f"{escape(error.message)} {link}"
        return exception  # type: ignore[no-any-return]

    def _in_need(self, spec: ServerSpec, trouble: Trouble) -> tuple[str, ...]:
        """Return the titles of the connections whose secret the cluster misses."""
        known = self.catalog.current().connections
        attached = [known[name] for name in spec.connections if name in known]
        return tuple(
            connection.title
            for connection in attached
            if any(kept.secret in trouble.detail for kept in connection.secrets.values())
        )

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the person sees while the pod comes up, a sentence only once in a row."""
        last = ""
        async for step in super().progress():
            event = step.get("raw_event")
            told = render_step(event, self.full_cluster_patience) if event else step["message"]
            if told and told != last:
                last = told
                number = {"progress": step["progress"]} if "progress" in step else {}
                yield {**number, "message": told}

    async def poll(self) -> int | None:
        """Return None while the pod is there; notes why it ended where the cluster says so."""
        pod = self.pod_of(self.booking.id) if self.booking else None
        was_told = self._was_told_to_stop
        try:
            status: int | None = await super().poll()
        except Exception:
            # The Hub takes a server for gone that it can't ask for.
            self._may_run_on = self._may_be_there
            raise
        if status is not None:
            self._may_run_on = False
        if status is not None and self.booking is not None:
            # KubeSpawner deletes a pod that is over; nobody told it to.
            self._was_told_to_stop = was_told
            trouble = read_trouble(pod) if pod else None
            self.trouble_code = self.trouble_code or (trouble.code if trouble else "")
        return status

    @property
    def _may_be_there(self) -> bool:
        """Tell whether a pod may have been made; of an earlier Hub's start nobody knows."""
        return self.booking is not None and (self.spec is None or self._sent == self.booking.id)

    async def end_lost(self, ids: Collection[str]) -> None:
        """Delete every pod of these decisions and return once they are gone; raises if it can't."""
        await self.delete_pods(ids)
