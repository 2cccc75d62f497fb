DROP  TABLE  users;
