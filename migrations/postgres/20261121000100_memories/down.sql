DROP TABLE polymnia.memories;
