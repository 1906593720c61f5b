/*
 * Preloaded into a process that is going to be killed: writes down what it has done to the files below one directory,
 * and what of that it was promised to be durable. The account is a file elsewhere, one line for each event, each
 * written by one call, so it is complete up to the moment of the kill. On the way the process can be made to kill
 * itself just before or just after a given call.
 *
 * CRASH_SHIM_ROOT     the directory
 * CRASH_SHIM_ACCOUNT  the file that the events are appended to
 * CRASH_SHIM_GRAVE    a directory on the same file system: what is removed or replaced is kept there, under the number
 *                     of the change, so that the change can be undone; when not set, nothing is kept
 * CRASH_SHIM_ARMED    "<call> <kind of file>,<before|after>,<nth>": where to die, if anywhere
 *
 * Events, with the number of the change, which counts all but `sync` and `killed` from 0:
 *   create KIND CHANGE INODE PATH         the file was not there before
 *   empty KIND CHANGE INODE PATH          the file was there and was cut to nothing
 *   rename KIND CHANGE INODE KEPT PATH NEW_PATH    written before it is done, as are those up to rmdir
 *   unlink KIND CHANGE INODE KEPT PATH
 *   write KIND CHANGE INODE KEPT OFFSET LENGTH PATH    over what was there, which is kept like a removed file
 *   rmdir KIND CHANGE 0 PATH
 *   mkdir KIND CHANGE 0 PATH
 *   sync KIND CHANGES INODE SIZE LENGTH PATH     durable: SIZE bytes of a file LENGTH bytes long, which is more when
 *                                         there is room behind them; and CHANGES changes were done before it began
 *   killed CALL KIND,PHASE
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_BYTES (3 * PATH_MAX)
#define ROOM_BYTES_MIN 4096

enum phase { BEFORE, AFTER };

static char root[PATH_MAX];
static char grave[PATH_MAX];
static int account = -1;
static char armed_point[64];
static enum phase armed_phase;
static atomic_long armed_left = 0;
static atomic_long changes = 0;
/* Changes are done and written down one at a time, so that their order in the account is the order they had. */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static FILE *(*real_fopen)(const char *, const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rmdir)(const char *);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

static void copy_environment(char *to, size_t size, const char *name) {
  const char *value = getenv(name);
  if (value != NULL) snprintf(to, size, "%s", value);
}

static void arm(const char *text) {
  char phase[16];
  long nth;
  if (sscanf(text, "%63[^,],%15[^,],%ld", armed_point, phase, &nth) != 3) return;
  armed_phase = strcmp(phase, "before") == 0 ? BEFORE : AFTER;
  atomic_store(&armed_left, nth);
}

__attribute__((constructor)) static void begin(void) {
  real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  real_fopen = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen64");
  real_rename = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
  real_unlink = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
  real_mkdir = (int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir");
  real_rmdir = (int (*)(const char *))dlsym(RTLD_NEXT, "rmdir");
  real_pwrite =
      (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  copy_environment(root, sizeof root, "CRASH_SHIM_ROOT");
  copy_environment(grave, sizeof grave, "CRASH_SHIM_GRAVE");
  const char *path = getenv("CRASH_SHIM_ACCOUNT");
  if (path != NULL) account = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char *armed = getenv("CRASH_SHIM_ARMED");
  if (armed != NULL) arm(armed);
}

static int watched(const char *path) {
  size_t length = strlen(root);
  if (account < 0 || length == 0 || path == NULL || strncmp(path, root, length) != 0) return 0;
  return path[length] == '/' || path[length] == '\0';
}

static int ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* The ensemble's own marker lies in the root itself, a peer's identity one level below. */
static const char *kind_of(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  int in_root = slash != NULL && (size_t)(slash - path) == strlen(root);
  if (ends_with(name, ".log")) return "log";
  if (ends_with(name, ".ldb")) return "table";
  if (strncmp(name, "MANIFEST-", 9) == 0) return "manifest";
  if (strcmp(name, "CURRENT") == 0 || ends_with(name, ".dbtmp")) return "current";
  if (strncmp(name, "quorumtree.json", 15) == 0) return in_root ? "marker" : "identity";
  if (strncmp(name, "quorumtree.tail", 15) == 0) return "note";
  if (strcmp(name, "quorumtree.journal") == 0) return "journal";
  if (strncmp(name, "quorumtree.owner-", 17) == 0) return "owner";
  return "other";
}

/* A peer's directory has one for each segment of the log, and for each snapshot. */
static const char *kind_of_directory(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  if (strncmp(name, "log-", 4) == 0) return "segment";
  if (strncmp(name, "snapshot-", 9) == 0) return "snapshot";
  return "directory";
}

static int exists(const char *path) {
  struct stat found;
  return lstat(path, &found) == 0;
}

static int is_empty(const char *path) {
  DIR *directory = opendir(path);
  if (directory == NULL) return 0;
  int names = 0;
  while (readdir(directory) != NULL) names++;
  closedir(directory);
  /* Itself and the one above it. */
  return names == 2;
}

static void tell(const char *format, ...) {
  static __thread char line[LINE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length > 0 && write(account, line, (size_t)length) != length) abort();
}

static void die(const char *call, const char *kind, enum phase phase) {
  tell("killed %s %s,%s\n", call, kind, phase == BEFORE ? "before" : "after");
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void point(const char *call, const char *kind, enum phase phase) {
  if (atomic_load(&armed_left) <= 0 || phase != armed_phase) return;
  char name[64];
  snprintf(name, sizeof name, "%s %s", call, kind);
  if (strcmp(name, armed_point) == 0 && atomic_fetch_sub(&armed_left, 1) == 1) die(call, kind, phase);
}

/* Keeps a file that is about to go. */
static int keep(const char *path, long change) {
  char kept[PATH_MAX + 32];
  if (grave[0] == '\0') return 0;
  snprintf(kept, sizeof kept, "%s/%ld", grave, change);
  return link(path, kept) == 0;
}

static void note_opened(const char *path, int existed, int empties, unsigned long inode) {
  if (existed && !empties) return;
  long change = atomic_fetch_add(&changes, 1);
  tell("%s %s %ld %lu %s\n", existed ? "empty" : "create", kind_of(path), change, inode, path);
}

static int open_file(const char *path, int flags, mode_t mode) {
  if ((flags & O_CREAT) == 0 || !watched(path)) return real_open(path, flags, mode);
  const char *kind = kind_of(path);
  point("create", kind, BEFORE);
  pthread_mutex_lock(&order);
  int existed = exists(path);
  struct stat found;
  int file = real_open(path, flags, mode);
  int error = errno;
  if (file >= 0 && fstat(file, &found) == 0) {
    note_opened(path, existed, (flags & O_TRUNC) != 0 && found.st_nlink > 0, found.st_ino);
  }
  pthread_mutex_unlock(&order);
  if (file >= 0) point("create", kind, AFTER);
  errno = error;
  return file;
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open_file(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open_file(path, flags, mode);
}

FILE *fopen64(const char *path, const char *mode) {
  if (mode[0] == 'r' || !watched(path)) return real_fopen(path, mode);
  const char *kind = kind_of(path);
  point("create", kind, BEFORE);
  pthread_mutex_lock(&order);
  int existed = exists(path);
  struct stat found;
  FILE *file = real_fopen(path, mode);
  int error = errno;
  if (file != NULL && fstat(fileno(file), &found) == 0) {
    note_opened(path, existed, mode[0] == 'w', found.st_ino);
  }
  pthread_mutex_unlock(&order);
  if (file != NULL) point("create", kind, AFTER);
  errno = error;
  return file;
}

FILE *fopen(const char *path, const char *mode) { return fopen64(path, mode); }

int rename(const char *from, const char *to) {
  if (!watched(from)) return real_rename(from, to);
  const char *kind = kind_of(to);
  point("rename", kind, BEFORE);
  pthread_mutex_lock(&order);
  struct stat found;
  unsigned long inode = lstat(from, &found) == 0 ? found.st_ino : 0;
  long change = atomic_fetch_add(&changes, 1);
  int kept = keep(to, change);
  tell("rename %s %ld %lu %d %s\t%s\n", kind, change, inode, kept, from, to);
  int result = real_rename(from, to);
  int error = errno;
  pthread_mutex_unlock(&order);
  if (result == 0) point("rename", kind, AFTER);
  errno = error;
  return result;
}

int unlink(const char *path) {
  if (!watched(path)) return real_unlink(path);
  const char *kind = kind_of(path);
  point("unlink", kind, BEFORE);
  pthread_mutex_lock(&order);
  struct stat found;
  int result = -1, error = ENOENT;
  if (lstat(path, &found) == 0) {
    long change = atomic_fetch_add(&changes, 1);
    int kept = keep(path, change);
    tell("unlink %s %ld %lu %d %s\n", kind, change, (unsigned long)found.st_ino, kept, path);
    result = real_unlink(path);
    error = errno;
  }
  pthread_mutex_unlock(&order);
  if (result == 0) point("unlink", kind, AFTER);
  errno = error;
  return result;
}

/* LevelDB makes its directory at each opening, whether it is there or not. */
int mkdir(const char *path, mode_t mode) {
  if (!watched(path) || exists(path)) return real_mkdir(path, mode);
  const char *kind = kind_of_directory(path);
  point("mkdir", kind, BEFORE);
  pthread_mutex_lock(&order);
  int result = real_mkdir(path, mode);
  int error = errno;
  if (result == 0) tell("mkdir %s %ld 0 %s\n", kind, atomic_fetch_add(&changes, 1), path);
  pthread_mutex_unlock(&order);
  if (result == 0) point("mkdir", kind, AFTER);
  errno = error;
  return result;
}

/* Node tries it before it removes what is inside. */
int rmdir(const char *path) {
  if (!watched(path) || !is_empty(path)) return real_rmdir(path);
  const char *kind = kind_of_directory(path);
  point("rmdir", kind, BEFORE);
  pthread_mutex_lock(&order);
  if (is_empty(path)) tell("rmdir %s %ld 0 %s\n", kind, atomic_fetch_add(&changes, 1), path);
  int result = real_rmdir(path);
  int error = errno;
  pthread_mutex_unlock(&order);
  if (result == 0) point("rmdir", kind, AFTER);
  errno = error;
  return result;
}

/* The path that a file was opened with; 0 when it is none of ours. */
static int path_of(int file, char *path, size_t size) {
  char link_path[64];
  snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link_path, path, size - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  return watched(path);
}

/* Keeps what is about to be written over. */
static int keep_part(int file, size_t length, off_t offset, long change) {
  char kept[PATH_MAX + 32], part[4096];
  if (grave[0] == '\0' || length > sizeof part) return 0;
  snprintf(kept, sizeof kept, "%s/%ld", grave, change);
  /* The file may be open for writing only. */
  char link_path[64];
  snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", file);
  int reader = real_open(link_path, O_RDONLY | O_CLOEXEC);
  if (reader < 0) return 0;
  ssize_t found = pread(reader, part, length, offset);
  close(reader);
  int copy = real_open(kept, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (copy < 0) return 0;
  int whole = found >= 0 && write(copy, part, (size_t)found) == found;
  close(copy);
  return whole;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off_t offset) {
  char path[PATH_MAX];
  struct stat found;
  if (!path_of(file, path, sizeof path) || fstat(file, &found) != 0) {
    return real_pwrite(file, bytes, length, offset);
  }
  const char *kind = kind_of(path);
  point("write", kind, BEFORE);
  pthread_mutex_lock(&order);
  long change = atomic_fetch_add(&changes, 1);
  int kept = keep_part(file, length, offset, change);
  tell("write %s %ld %lu %d %lld %zu %s\n", kind, change, (unsigned long)found.st_ino, kept,
       (long long)offset, length, path);
  ssize_t result = real_pwrite(file, bytes, length, offset);
  int error = errno;
  pthread_mutex_unlock(&order);
  if (result >= 0) point("write", kind, AFTER);
  errno = error;
  return result;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
  return pwrite64(file, bytes, length, offset);
}

/* Where the last byte of a file is that is not zero. */
static off_t end_of_data(int file, off_t size) {
  char part[1 << 16], link_path[64];
  snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", file);
  int reader = real_open(link_path, O_RDONLY | O_CLOEXEC);
  if (reader < 0) abort();
  while (size > 0) {
    size_t length = size < (off_t)sizeof part ? (size_t)size : sizeof part;
    ssize_t found = pread(reader, part, length, size - (off_t)length);
    if (found != (ssize_t)length) abort();
    while (length > 0 && part[length - 1] == 0) length--;
    size -= found - (ssize_t)length;
    if (length > 0) break;
  }
  close(reader);
  return size;
}

/*
 * How much of a file has been written. A log may be longer than that; whoever appends to it does so at its own offset,
 * and others have to look. They cannot tell a record that ends in zeros from a little room: what is read there is the
 * same whether it was synced or not, as long as nothing is appended. A log that has room is synced with each write by
 * whoever writes it, so what is appended then has its own sync.
 */
static off_t written(int file, const char *kind, off_t size) {
  if (strcmp(kind, "log") != 0) return size;
  off_t offset = lseek(file, 0, SEEK_CUR);
  if (offset > 0) return offset;
  off_t end = end_of_data(file, size);
  return size - end < ROOM_BYTES_MIN ? size : end;
}

/* The size is taken first: what another thread appends meanwhile may or may not be reached. */
static int sync_file(int file, int (*really)(int)) {
  char path[PATH_MAX];
  struct stat found;
  if (!path_of(file, path, sizeof path) || fstat(file, &found) != 0) return really(file);
  const char *kind = S_ISDIR(found.st_mode) ? kind_of_directory(path) : kind_of(path);
  off_t size = written(file, kind, found.st_size);
  long before = atomic_load(&changes);
  point("sync", kind, BEFORE);
  int result = really(file);
  int error = errno;
  if (result == 0) {
    tell("sync %s %ld %lu %lld %lld %s\n", kind, before, (unsigned long)found.st_ino,
         (long long)size, (long long)found.st_size, path);
    point("sync", kind, AFTER);
  }
  errno = error;
  return result;
}

int fsync(int file) { return sync_file(file, real_fsync); }

int fdatasync(int file) { return sync_file(file, real_fdatasync); }
