/*
 * Preloaded into a process whose storage calls are to fail: counts the calls that touch files below one directory, and
 * makes the one with a given number fail with an error of the system, once or from then on.
 *
 * FAULTS_ROOT     the directory
 * FAULTS_CONTROL  a file of one page that both sides map: see struct control
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The order is known to the other side too. */
enum call {
  OPEN, APPEND, FLUSH, WRITE, SYNC, RENAME, UNLINK, READ, MAP, MKDIR, RMDIR, LIST, ACCESS, CALLS
};

struct control {
  /* The call with this number fails, counted from 1; 0 for none. Counts down. */
  _Atomic int32_t left;
  /* So does each one after it. */
  _Atomic int32_t forever;
  /* A failing append writes half of it first. */
  _Atomic int32_t torn;
  /* Only calls of this kind fail; -1 for any. */
  _Atomic int32_t only;
  _Atomic int32_t seen[CALLS];
  _Atomic int32_t fired[CALLS];
};

static const int ERRORS[CALLS] = {
  EMFILE, ENOSPC, ENOSPC, ENOSPC, EIO, EIO, EIO, EIO, ENOMEM, ENOSPC, EIO, EMFILE, EIO
};

static char root[PATH_MAX];
static struct control *control;

static int (*real_open)(const char *, int, ...);
static FILE *(*real_fopen)(const char *, const char *);
static size_t (*real_fwrite)(const void *, size_t, size_t, FILE *);
static int (*real_fflush)(FILE *);
static size_t (*real_fread)(void *, size_t, size_t, FILE *);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rmdir)(const char *);
static DIR *(*real_opendir)(const char *);
typedef int (*filter)(const struct dirent64 *);
typedef int (*order)(const struct dirent64 **, const struct dirent64 **);
static int (*real_scandir)(const char *, struct dirent64 ***, filter, order);
static int (*real_access)(const char *, int);

__attribute__((constructor)) static void begin(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_fopen = dlsym(RTLD_NEXT, "fopen64");
  real_fwrite = dlsym(RTLD_NEXT, "fwrite_unlocked");
  real_fflush = dlsym(RTLD_NEXT, "fflush_unlocked");
  real_fread = dlsym(RTLD_NEXT, "fread_unlocked");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pread = dlsym(RTLD_NEXT, "pread64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_mmap = dlsym(RTLD_NEXT, "mmap64");
  real_read = dlsym(RTLD_NEXT, "read");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_mkdir = dlsym(RTLD_NEXT, "mkdir");
  real_rmdir = dlsym(RTLD_NEXT, "rmdir");
  real_opendir = dlsym(RTLD_NEXT, "opendir");
  real_scandir = dlsym(RTLD_NEXT, "scandir64");
  real_access = dlsym(RTLD_NEXT, "access");
  const char *place = getenv("FAULTS_ROOT");
  const char *file = getenv("FAULTS_CONTROL");
  if (place == NULL || file == NULL || realpath(place, root) == NULL) return;
  int handle = real_open(file, O_RDWR | O_CLOEXEC);
  if (handle < 0) return;
  void *page = real_mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
  close(handle);
  if (page != MAP_FAILED) control = page;
}

/* LevelDB's lock and its log for people are left alone: it does without them. */
static int is_ours(const char *path) {
  size_t length = strlen(root);
  if (control == NULL || strncmp(path, root, length) != 0 || path[length] != '/') return 0;
  const char *name = strrchr(path, '/') + 1;
  return strncmp(name, "LOG", 3) != 0 && strcmp(name, "LOCK") != 0;
}

static int is_our_file(int file) {
  if (control == NULL) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_ours(path);
}

/* Sets errno when the call is to fail. */
static int fails(enum call call) {
  atomic_fetch_add(&control->seen[call], 1);
  int only = atomic_load(&control->only);
  if ((only >= 0 && only != (int)call) || atomic_load(&control->left) <= 0) return 0;
  if (atomic_fetch_sub(&control->left, 1) > 1) return 0;
  atomic_store(&control->left, atomic_load(&control->forever));
  atomic_fetch_add(&control->fired[call], 1);
  errno = ERRORS[call];
  return 1;
}

static int open_file(const char *path, int flags, mode_t mode) {
  if (is_ours(path) && fails(OPEN)) return -1;
  return real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_file(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_file(path, flags, mode);
}

FILE *fopen64(const char *path, const char *mode) {
  if (is_ours(path) && fails(OPEN)) return NULL;
  return real_fopen(path, mode);
}

/* The C library's header makes a macro of the name. */
size_t(fwrite_unlocked)(const void *from, size_t size, size_t count, FILE *file) {
  if (is_our_file(fileno(file)) && fails(APPEND)) {
    size_t half = atomic_load(&control->torn) ? size * count / 2 : 0;
    if (half > 0) {
      real_fwrite(from, 1, half, file);
      real_fflush(file);
    }
    errno = ERRORS[APPEND];
    return half / size;
  }
  return real_fwrite(from, size, count, file);
}

int fflush_unlocked(FILE *file) {
  if (is_our_file(fileno(file)) && fails(FLUSH)) return EOF;
  return real_fflush(file);
}

size_t(fread_unlocked)(void *to, size_t size, size_t count, FILE *file) {
  if (is_our_file(fileno(file)) && fails(READ)) return 0;
  return real_fread(to, size, count, file);
}

ssize_t pwrite64(int file, const void *from, size_t size, off_t at) {
  if (is_our_file(file) && fails(WRITE)) return -1;
  return real_pwrite(file, from, size, at);
}

ssize_t write(int file, const void *from, size_t size) {
  if (is_our_file(file) && fails(WRITE)) return -1;
  return real_write(file, from, size);
}

ssize_t pread64(int file, void *to, size_t size, off_t at) {
  if (is_our_file(file) && fails(READ)) return -1;
  return real_pread(file, to, size, at);
}

/* What was to be synced may or may not have reached the disk; here it has, and it is only not promised. */
int fsync(int file) {
  if (is_our_file(file) && fails(SYNC)) return -1;
  return real_fsync(file);
}

int fdatasync(int file) {
  if (is_our_file(file) && fails(SYNC)) return -1;
  return real_fdatasync(file);
}

int rename(const char *from, const char *to) {
  if (is_ours(to) && fails(RENAME)) return -1;
  return real_rename(from, to);
}

int unlink(const char *path) {
  if (is_ours(path) && fails(UNLINK)) return -1;
  return real_unlink(path);
}

void *mmap64(void *where, size_t size, int protection, int flags, int file, off_t at) {
  if (file >= 0 && is_our_file(file) && fails(MAP)) return MAP_FAILED;
  return real_mmap(where, size, protection, flags, file, at);
}

/* Files that Node.js reads as a whole; LevelDB has other calls for it. */
ssize_t read(int file, void *to, size_t size) {
  if (is_our_file(file) && fails(READ)) return -1;
  return real_read(file, to, size);
}

int ftruncate64(int file, off_t size) {
  if (is_our_file(file) && fails(WRITE)) return -1;
  return real_ftruncate(file, size);
}

int mkdir(const char *path, mode_t mode) {
  if (is_ours(path) && fails(MKDIR)) return -1;
  return real_mkdir(path, mode);
}

int rmdir(const char *path) {
  if (is_ours(path) && fails(RMDIR)) return -1;
  return real_rmdir(path);
}

/* LevelDB's way to list a directory. */
DIR *opendir(const char *path) {
  if (is_ours(path) && fails(LIST)) return NULL;
  return real_opendir(path);
}

/* Node.js's way. */
int scandir64(const char *path, struct dirent64 ***names, filter keep, order compare) {
  if (is_ours(path) && fails(LIST)) return -1;
  return real_scandir(path, names, keep, compare);
}

int access(const char *path, int mode) {
  if (is_ours(path) && fails(ACCESS)) return -1;
  return real_access(path, mode);
}
