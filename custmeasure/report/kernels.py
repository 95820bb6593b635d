"""papermill's engine for a kernel that waits at its desk."""

from typing import Any

from jupyter_core.utils import ensure_event_loop
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger

ENGINE = "custmeasure"


class DeskEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's own engine, with the kernel of a `Desk`."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any
    ) -> None:
        """Run the cells; ``options`` carries ``desk``, ``resources`` and ``cell_timeout``."""
        desk = options["desk"]
        desk.notebook = nb_man.nb
        client = PapermillNotebookClient(
            nb_man,
            km=desk.manager,
            kernel_name=kernel_name,
            timeout=options["cell_timeout"],
            startup_timeout=60,
            shutdown_kernel="immediate",
            resources=options["resources"],
            on_cell_start=desk.reach,
            log=logger,
        )
        try:
            client.execute(cleanup_kc=True)
        finally:
            ensure_event_loop().close()  # each thread has its own, and nothing else closes it


papermill_engines.register(ENGINE, DeskEngine)
