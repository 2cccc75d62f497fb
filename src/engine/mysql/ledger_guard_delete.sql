CREATE TRIGGER /*M! IF NOT EXISTS */ /*!80029 IF NOT EXISTS */ switchback_ledger_delete BEFORE DELETE ON {ledger} FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the ledger of switchback only grows';
