-- A reader sees the file as it was when it first read, however long that lasts.
BEGIN;
