"""Check the folder of a SQLite journal: on a disk of this machine, and not synchronised with others.

On a network file system, locks and commits are not reliable. A synchronised folder replaces the journal while it is
open, or gives two machines one journal each.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PureWindowsPath

import psutil

from smmplus.errors import ConfigurationError
from smmplus.texts import _, marked

_NETWORK = (
    "9p acfs afp afpfs afs auristorfs beegfs ceph cifs coda davfs davfs2 drvfs fhgfs gfs2 glusterfs gpfs lustre mvfs "
    "ncp ncpfs nfs nfs3 nfs4 ocfs2 orangefs osxfs panfs prl_fs pvfs2 smb smb2 smb3 smbfs sshfs vboxsf "
    "virtiofs vmhgfs webdav wekafs"
)
"""Network file systems, and shares between a virtual machine and its host: locks do not work across them."""
_LOCAL_FUSE = (
    "fuse.bindfs fuse.cryfs fuse.encfs fuse.exfat fuse.fuse-overlayfs fuse.gocryptfs fuse.mergerfs fuse.ntfs-3g "
    "fuse.ntfs fuse.veracrypt fuse.zfs"
)
"""File systems in user space (FUSE) that are local. All others are taken for network file systems: most are."""

_SYNCHRONISED = {
    "Dropbox": "Dropbox",
    "OneDrive": "OneDrive",
    "SkyDrive": "OneDrive",
    "Google Drive": "Google Drive",
    "GoogleDrive": "Google Drive",
    "My Drive": "Google Drive",
    "Mobile Documents": "iCloud Drive",
    "iCloudDrive": "iCloud Drive",
    "iCloud Drive": "iCloud Drive",
    "CloudStorage": marked("a cloud's storage"),
    "Nextcloud": "Nextcloud",
    "ownCloud": "ownCloud",
    "MEGAsync": "MEGA",
    "pCloudDrive": "pCloud",
    "pCloud Drive": "pCloud",
    "pCloud Sync": "pCloud",
    "Box Sync": "Box",
    "Yandex.Disk": "Yandex.Disk",
    "YandexDisk": "Yandex.Disk",
    "Яндекс.Диск": "Yandex.Disk",
    "SynologyDrive": "Synology Drive",
    "Seafile": "Seafile",
    "Proton Drive": "Proton Drive",
    "Syncthing": "Syncthing",
}
"""A folder's name -> its program. An account may follow: "OneDrive - Company", "Dropbox (Company)"."""
_IN_HOME = {"Box": "Box", "MEGA": "MEGA", "Sync": marked("Sync.com or Syncthing"), "pCloud": "pCloud"}
"""Names that only count directly in a home folder."""
_MARKERS = {
    ".stfolder": "Syncthing",
    ".dropbox": "Dropbox",
    ".dropbox.cache": "Dropbox",
    ".nextcloudsync.log": "Nextcloud",
    ".owncloudsync.log": "ownCloud",
    ".synology.working.directory": "Synology Drive",
    ".megaignore": "MEGA",
    ".tmp.drivedownload": "Google Drive",
}
"""Files that programs leave in a synchronised folder -> the program."""
_ONEDRIVE = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
"""Environment variables with OneDrive's folders on Windows."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: its mount point and its type as the platform names it."""

    point: PurePath
    kind: str
    remote: bool = False
    """Whether Windows says that the drive is remote. Its type is then that of the server (NTFS)."""


@dataclass(frozen=True, slots=True)
class FileSystemFacts:
    """What is known about a folder, in absolute paths without symbolic links."""

    folder: PurePath
    home: PurePath
    mounts: tuple[Mount, ...] = ()
    markers: Mapping[PurePath, frozenset[str]] = field(default_factory=dict)
    """Folder -> the names of markers in it."""
    named: tuple[PurePath, ...] = ()
    """Folders that the environment says OneDrive synchronises."""


def must_hold(path: Path) -> None:
    """Raise ConfigurationError if a journal is not safe in the folder of a file."""
    folder = real(path).parent
    if why := unfit(facts_of(folder, os.environ)):
        raise ConfigurationError(
            _(
                "the journal cannot be in {folder}: {why}. Name a file on a disk of this machine in SMMPLUS_JOURNAL "
                "(sqlite:////folder/journal.sqlite3), or a PostgreSQL database where several machines share it",
                folder=folder,
                why=why,
            )
        )


def unfit(facts: FileSystemFacts) -> str:
    """Return why a journal is not safe in a folder; "" if it is."""
    if network := network_of(facts.folder, facts.mounts):
        return _(
            "it is on a network or shared file system ({kind}), where neither locks nor commits hold", kind=network
        )
    if program := synchroniser_of(facts):
        return _(
            "{program} synchronises it, and would replace the journal under way: two machines, two truths",
            program=_(program),
        )
    return ""


def network_of(folder: PurePath, mounts: Iterable[Mount]) -> str:
    """Return the network file system of a folder; "" if the folder is on a disk."""
    if isinstance(folder, PureWindowsPath) and _is_unc(folder):
        return folder.drive
    around = [mount for mount in mounts if folder.is_relative_to(mount.point)]
    if not around:
        return ""
    # Of two with one mount point, the later one is on top.
    mount = max(reversed(around), key=lambda mount: len(mount.point.parts))
    return mount.kind if mount.remote or _is_network(mount.kind.lower()) else ""


def _is_unc(folder: PureWindowsPath) -> bool:
    drive = folder.drive
    local = drive.startswith(("\\\\?\\", "\\\\.\\")) and not drive.upper().startswith("\\\\?\\UNC\\")
    return drive.startswith("\\\\") and not local


def _is_network(kind: str) -> bool:
    in_user_space = kind.startswith(("fuse.", "macfuse", "osxfuse"))
    return kind in _NETWORK.split() or (in_user_space and kind not in _LOCAL_FUSE.split())


def synchroniser_of(facts: FileSystemFacts) -> str:
    """Return the program that synchronises a folder; "" if none is known."""
    for folder in (facts.folder, *facts.folder.parents):
        if folder in facts.named:
            return "OneDrive"
        if program := _by_marker(folder, facts) or _by_name(folder, facts.home):
            return program
    return ""


def _by_marker(folder: PurePath, facts: FileSystemFacts) -> str:
    # In a home folder, .dropbox holds that program's settings.
    left = facts.markers.get(folder, frozenset()) - ({".dropbox"} if folder == facts.home else set())
    return _MARKERS[min(left)] if left else ""


def _by_name(folder: PurePath, home: PurePath) -> str:
    name = folder.name.split(" - ")[0].split(" (")[0]
    return _SYNCHRONISED.get(name) or (_IN_HOME.get(name, "") if folder.parent == home else "")


def facts_of(folder: Path, environment: Mapping[str, str]) -> FileSystemFacts:
    """Return the facts about a folder. It need not exist: its parents decide."""
    there = real(folder)
    markers: dict[PurePath, frozenset[str]] = {above: _markers_in(above) for above in (there, *there.parents)}
    named = (real(Path(path)) for name in _ONEDRIVE if (path := environment.get(name)))
    return FileSystemFacts(there, _home(), _mounts(), markers, tuple(named))


def real(folder: Path) -> Path:
    """Follow every symbolic link."""
    return Path(os.path.realpath(folder))  # Path.resolve raises an error for links in a circle


def _markers_in(folder: Path) -> frozenset[str]:
    with suppress(OSError):
        return frozenset(name for name in _MARKERS if (folder / name).exists())
    return frozenset()


def _home() -> Path:
    with suppress(RuntimeError):  # a container's user without a name has none
        return real(Path.home())
    return Path("~")


def _mounts() -> tuple[Mount, ...]:
    with suppress(OSError, psutil.Error):  # without a list of mounts, the names still count
        found = psutil.disk_partitions(all=True)
        return tuple(Mount(Path(one.mountpoint), one.fstype, "remote" in one.opts.split(",")) for one in found)
    return ()
