"""Many series: found, analysed in this process or in many, written down in one place whatever happens meanwhile."""

from napari_lesion.batch.plan import Plan as Plan
from napari_lesion.batch.plan import Shard as Shard
from napari_lesion.batch.results import renew_reports as renew_reports
from napari_lesion.batch.results import save_analysis as save_analysis
from napari_lesion.batch.run import BatchResult as BatchResult
from napari_lesion.batch.run import analyse_folder as analyse_folder
from napari_lesion.batch.schedule import Status as Status
from napari_lesion.batch.workers import Workers as Workers
