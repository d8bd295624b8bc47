"""Where a journal may lie. The table is of facts as the platforms tell them; the real mounts are this machine's."""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from smmplus.errors import ConfigurationError
from smmplus.journal.backends import location
from smmplus.journal.backends.location import FileSystemFacts, Mount, facts_of, network_of, synchroniser_of, unfit
from smmplus.journal.journal import Journal

POSIX = PurePosixPath
WINDOWS = PureWindowsPath

ROOT = Mount(POSIX("/"), "ext4")


NETWORKS = (
    "nfs nfs4 cifs smb3 smbfs 9p drvfs afs ceph glusterfs fuse.sshfs fuse.rclone fuse.s3fs fuse.davfs macfuse webdav "
    "afpfs fuse.something-new NFS4 virtiofs"
)
DISKS = "ext4 xfs btrfs zfs apfs hfs overlay tmpfs vfat exfat ntfs3 fuseblk fuse.ntfs-3g fuse.mergerfs ecryptfs"


@pytest.mark.parametrize("kind", NETWORKS.split())
def test_a_file_system_of_a_network_is_one(kind):
    mounts = [ROOT, Mount(POSIX("/mnt/share"), kind)]
    assert network_of(POSIX("/mnt/share/smm/deep"), mounts) == kind


@pytest.mark.parametrize("kind", DISKS.split())
def test_a_file_system_of_this_machine_is_none(kind):
    assert network_of(POSIX("/data/smm"), [Mount(POSIX("/"), kind), Mount(POSIX("/net"), "nfs")]) == ""


def test_the_innermost_mount_counts_and_of_two_at_one_point_the_later():
    share, disk = Mount(POSIX("/srv"), "nfs4"), Mount(POSIX("/srv/disk"), "ext4")
    assert network_of(POSIX("/srv/disk/a"), [disk, share, ROOT]) == ""
    assert network_of(POSIX("/srv/diskette"), [disk, share, ROOT]) == "nfs4"
    assert network_of(POSIX("/srv"), [share, Mount(POSIX("/srv"), "xfs")]) == ""
    assert network_of(POSIX("/srv"), [Mount(POSIX("/srv"), "xfs"), share]) == "nfs4"


def test_without_any_known_mount_nothing_is_a_network():
    assert network_of(POSIX("/srv"), []) == ""


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        (r"\\server\share\smm", r"\\server\share"),
        (r"\\wsl$\Ubuntu\home", r"\\wsl$\Ubuntu"),
        (r"\\?\UNC\server\share\smm", "\\\\?\\UNC\\server\\share"),
        (r"\\?\C:\smm", ""),
        (r"C:\Users\Ayu\smm", ""),
        (r"z:\smm", "NTFS"),
    ],
)
def test_windows_tells_shares_by_their_path_and_mapped_drives_by_their_kind(folder, network):
    mounts = [Mount(WINDOWS("C:\\"), "NTFS"), Mount(WINDOWS("Z:\\"), "NTFS", remote=True)]
    assert network_of(WINDOWS(folder), mounts) == network


HOME = POSIX("/home/ayu")


@pytest.mark.parametrize(
    ("folder", "program"),
    [
        ("Dropbox/smm", "Dropbox"),
        ("Dropbox (Agency)", "Dropbox"),
        ("OneDrive", "OneDrive"),
        ("OneDrive - PT Maju/smm", "OneDrive"),
        ("Google Drive/smm", "Google Drive"),
        ("Library/CloudStorage/GoogleDrive-ayu@example.com/smm", "a cloud's storage"),
        ("Library/Mobile Documents/com~apple~CloudDocs", "iCloud Drive"),
        ("iCloudDrive", "iCloud Drive"),
        ("Nextcloud/a/b/c", "Nextcloud"),
        ("ownCloud", "ownCloud"),
        ("MEGA", "MEGA"),
        ("MEGAsync", "MEGA"),
        ("pCloudDrive", "pCloud"),
        ("Box", "Box"),
        ("Box Sync", "Box"),
        ("Yandex.Disk", "Yandex.Disk"),
        ("Яндекс.Диск", "Yandex.Disk"),
        ("Sync/smm", "Sync.com or Syncthing"),
        ("smm", ""),
        ("projects/Box/smm", ""),
        ("projects/dropbox-client", ""),
        (".local/share/smmplus", ""),
    ],
)
def test_a_synchronised_folder_is_known_by_name(folder, program):
    assert synchroniser_of(FileSystemFacts(HOME / folder, HOME)) == program


@pytest.mark.parametrize(("marker", "program"), [(".stfolder", "Syncthing"), (".dropbox", "Dropbox")])
def test_a_synchronised_folder_is_known_by_what_its_program_leaves_there(marker, program):
    facts = FileSystemFacts(HOME / "work" / "smm", HOME, markers={HOME / "work": frozenset({marker})})
    assert synchroniser_of(facts) == program


def test_the_settings_of_dropbox_make_no_home_folder_a_synchronised_one():
    assert synchroniser_of(FileSystemFacts(HOME / "smm", HOME, markers={HOME: frozenset({".dropbox"})})) == ""
    assert (
        synchroniser_of(FileSystemFacts(HOME / "smm", HOME, markers={HOME: frozenset({".dropbox", ".stfolder"})}))
        == "Syncthing"
    )


def test_windows_names_onedrive_s_folders_whatever_they_are_called():
    folder = WINDOWS(r"D:\Cloud\smm")
    assert (
        synchroniser_of(FileSystemFacts(folder, WINDOWS(r"C:\Users\Ayu"), named=(WINDOWS(r"d:\cloud"),))) == "OneDrive"
    )


def test_a_fit_folder_is_fit():
    assert unfit(FileSystemFacts(HOME / "smm", HOME, (ROOT,))) == ""


@pytest.mark.parametrize(("name", "marker"), [("Dropbox", None), ("work", ".stfolder")])
def test_a_journal_in_a_synchronised_folder_is_refused_and_nothing_is_made(tmp_path, name, marker):
    folder = tmp_path / name / "smm"
    if marker:
        (tmp_path / name / marker).mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"synchronises it.*SMMPLUS_JOURNAL"):
        Journal(f"sqlite:///{folder / 'journal.sqlite3'}")
    assert not folder.exists()


def test_a_link_into_a_synchronised_folder_is_followed(tmp_path):
    (tmp_path / "Dropbox" / "smm").mkdir(parents=True)
    (tmp_path / "smm").symlink_to(tmp_path / "Dropbox" / "smm", target_is_directory=True)
    with pytest.raises(ConfigurationError, match="Dropbox synchronises it"):
        Journal(f"sqlite:///{tmp_path / 'smm' / 'journal.sqlite3'}")


def test_a_link_of_the_journal_itself_is_followed(tmp_path):
    (tmp_path / "Dropbox").mkdir()
    (tmp_path / "journal.sqlite3").symlink_to(tmp_path / "Dropbox" / "journal.sqlite3")
    with pytest.raises(ConfigurationError, match="Dropbox synchronises it"):
        Journal(f"sqlite:///{tmp_path / 'journal.sqlite3'}")


def test_the_folder_that_onedrive_is_set_to_is_known(tmp_path):
    found = facts_of(tmp_path / "cloud" / "smm", {"OneDriveCommercial": str(tmp_path / "cloud"), "OneDrive": ""})
    assert synchroniser_of(found) == "OneDrive"


def test_a_user_without_a_home_folder_has_a_journal_all_the_same(tmp_path, monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert unfit(facts_of(tmp_path, {})) == ""


def test_links_in_a_circle_are_no_traceback(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert isinstance(facts_of(tmp_path / "a" / "smm", {}), FileSystemFacts)


def test_where_nobody_tells_of_mounts_the_names_still_count(tmp_path, monkeypatch):
    def unreadable(**_all):
        raise PermissionError(13, "Permission denied", "/proc/self/mounts")

    monkeypatch.setattr(location.psutil, "disk_partitions", unreadable)
    assert facts_of(tmp_path, {}).mounts == ()


@contextmanager
def mounted(point: Path, *how: str):
    point.mkdir()
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only the system's administrator may mount")
    done = subprocess.run(["mount", *how, str(point)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine cannot mount {how[1]}: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(point)], check=True)


def test_a_journal_on_a_real_file_system_in_memory_is_taken(tmp_path):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "none"), Journal(f"sqlite:///{tmp_path / 'disk' / 'a'}"):
        assert Mount((tmp_path / "disk").resolve(), "tmpfs") in facts_of(tmp_path / "disk" / "deep", {}).mounts
